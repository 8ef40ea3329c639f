"""The logger of the renewals: of one, or of several that share it."""

from collections.abc import Mapping
from typing import ClassVar

import attrs


@attrs.frozen(kw_only=True, eq=False)
class RenewLetsEncryptLog:
    """A longrun that writes the output of its producers.

    It is their consumer (s6-rc-compile: Longrun pipelining). Its values were checked
    as parameters of the renewals.
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
        """Each directory of the template, and the service that it is for."""
        return {"renew-lets-encrypt-log": self.service, "both": self.service}

    @property
    def empty_files(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files, and the names in it."""
        return {f"{self.service}/dependencies.d": (self.mount_service,)}

    @property
    def parameter_text(self) -> str:
        """All parameters as one text."""
        return repr(attrs.astuple(self))
