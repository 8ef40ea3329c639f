"""The attributes that the renderer needs of every kind of service."""

from collections.abc import Mapping
from typing import Protocol


class Kind(Protocol):
    """The parameters of one kind of service: a frozen attrs class that checks itself.

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
        """Each directory of the template that is rendered, and its service."""

    @property
    def empty_files(self) -> Mapping[str, tuple[str, ...]]:
        """Each directory of empty files, and the names in it.

        These are dependencies.d and contents.d (s6-rc-compile: Source format).
        """

    @property
    def programs(self) -> Mapping[str, str]:
        """Each directory that is a package of s6gen, copied as it is."""

    @property
    def parameter_text(self) -> str:
        """All parameters as one text: it differs where any of them does."""
