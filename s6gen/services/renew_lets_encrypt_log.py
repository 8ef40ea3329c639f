"""The logger of the renewals: of one, or of several that share it."""

from collections.abc import Mapping
from typing import ClassVar

import attrs


@attrs.frozen(kw_only=True, eq=False)
class RenewLetsEncryptLog:
    """A longrun that writes what its producers say (s6-rc-compile: Longrun pipelining).

    Its values were checked as parameters of the renewal.
    """

    template: ClassVar[str] = "renew-lets-encrypt"
    programs: ClassVar[Mapping[str, str]] = {}

    service: str
    producers: tuple[str, ...]
    pipeline: str
    directory: str
    user: str
    group: str
    size: int
    number: int
    mount_service: str
    execlineb: str
    command_line: str

    @property
    def directories(self) -> dict[str, str]:
        """Each directory of the template, and the name of the service that it is for."""
        return {"renew-lets-encrypt-log": self.service, "both": self.service}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files (s6-rc-compile: Source format), and what is in it."""
        return {f"{self.service}/dependencies.d": (self.mount_service,)}

    @property
    def parameters(self) -> str:
        """All that it is rendered from."""
        return repr(attrs.astuple(self))
