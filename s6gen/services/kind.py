"""What every kind of service is to the renderer."""

from collections.abc import Mapping
from typing import Protocol


class Kind(Protocol):
    """The parameters of one kind of service, a frozen attrs class that has checked itself.

    Its templates see it as `service`.
    """

    @property
    def template(self) -> str:
        """Its directory below templates/."""

    @property
    def service(self) -> str:
        """The name of the source definition directory."""

    @property
    def directories(self) -> Mapping[str, str]:
        """Each directory of the template that is rendered, and the service that it is for."""

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Each directory of empty files (s6-rc-compile: Source format), and what is in it."""

    @property
    def programs(self) -> Mapping[str, str]:
        """Each directory that is a package of s6gen, copied as it is."""

    @property
    def parameters(self) -> str:
        """All that it is rendered from: another text where anything of that is another."""
