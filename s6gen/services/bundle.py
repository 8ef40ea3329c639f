"""A bundle: one name for several services."""

from collections.abc import Mapping
from typing import ClassVar

import attrs


@attrs.frozen(kw_only=True)
class Bundle:
    """Services that one name starts and stops (s6-rc-compile: Bundle definition)."""

    template: ClassVar[str] = "bundle"
    programs: ClassVar[Mapping[str, str]] = {}

    service: str
    contents: tuple[str, ...]

    @property
    def directories(self) -> dict[str, str]:
        """Each directory of the template, and the service that it is for."""
        return {"bundle": self.service}

    @property
    def empty_files(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files, and the names in it."""
        return {f"{self.service}/contents.d": self.contents}

    @property
    def parameter_text(self) -> str:
        """All parameters as one text."""
        return " ".join(self.contents)
