"""A bundle: one name for several services."""

from collections.abc import Mapping
from typing import ClassVar

import attrs


@attrs.frozen(kw_only=True)
class Bundle:
    """The services that one name starts and stops (s6-rc-compile: Bundle definition)."""

    template: ClassVar[str] = "bundle"
    programs: ClassVar[Mapping[str, str]] = {}

    service: str
    contents: tuple[str, ...]

    @property
    def directories(self) -> dict[str, str]:
        """Each directory of the template, and the name of the service that it is for."""
        return {"bundle": self.service}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files (s6-rc-compile: Source format), and what is in it."""
        return {f"{self.service}/contents.d": self.contents}

    @property
    def parameters(self) -> str:
        """All that it is rendered from."""
        return " ".join(self.contents)
