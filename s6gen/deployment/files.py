"""The steps that put the certificate into files."""

import re
from typing import ClassVar

import attrs

from s6gen.deployment.refusals import (
    refuse_account,
    refuse_if,
    refuse_mode,
    refuse_no_path,
)
from s6gen.deployment.sender import Program, Sender

PARTS = ("chain", "certificate", "issuers", "key", "pkcs12")
"""The parts of a file: the certificate and its issuers, either alone, the key; or all
of them in a PKCS#12 store (RFC 7292)."""
SECRET_PARTS = frozenset({"key", "pkcs12"})


@attrs.frozen(kw_only=True)
class Copy:
    """Put parts of the certificate into one file, atomically."""

    parts: tuple[str, ...]
    path: str
    owner: str = "root"
    group: str = "root"
    mode: str = attrs.field()
    password: str = ""
    """For PKCS#12: a file of root's, whose first line is the password."""
    alias: str = "s6gen"
    """For PKCS#12: what the entry is called in it."""

    @mode.default
    def default_mode(self) -> str:
        """A file with the key is for its owner alone."""
        return "0400" if self.is_secret else "0444"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be copied, or would make the key public."""
        for part in self.parts:
            refuse_if(part not in PARTS, f"must be of {', '.join(PARTS)}: {part!r}")
        refuse_no_path(self.path)
        refuse_mode(self.mode, self.is_secret, self.path)
        for name in (self.owner, self.group):
            refuse_account(name)
        is_store = "pkcs12" in self.parts
        refuse_if(
            is_store and len(self.parts) > 1, "pkcs12 holds all: nothing goes with it"
        )
        refuse_if(is_store and not self.password, "pkcs12 needs password=FILE")
        refuse_if(not is_store and bool(self.password), "password= is for pkcs12")
        if is_store:
            refuse_no_path(self.password)
            refuse_if(
                not re.fullmatch(r"[A-Za-z0-9_.@-]+", self.alias),
                f"alias must be a word: {self.alias!r}",
            )

    @property
    def is_secret(self) -> bool:
        """Tell whether the key is in it."""
        return not SECRET_PARTS.isdisjoint(self.parts)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it makes."""
        return (self.path,)

    @property
    def seconds(self) -> int:
        """The time for it, beyond what every deployment gets."""
        return 10 if self.password else 0

    @property
    def text(self) -> str:
        """What it is called in the log."""
        kind = "copy" if len(self.parts) == 1 else "combine"
        return f"{kind} {'+'.join(self.parts)} {self.path}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:  # noqa: ARG002 (every step has it)
        """Return the directories of its helpers, beside those of every deployment."""
        return ("pkcs12",) if self.password else ()

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:  # noqa: ARG002 (every step has both)
        """Return what does it: programs, of which each becomes the next."""
        directory, _, name = self.path.rpartition("/")
        sources = [f"{sender.now}/{part}" for part in self.parts]
        copy = (
            "./data/copy",
            f"{self.owner}:{self.group}",
            self.mode,
            directory or "/",
            name,
            sender.name,
            *sources,
        )
        if not self.password:
            return (copy,)
        make = (sender.user, sender.state_dir, self.password, self.alias)
        return (("./data/pkcs12", *make), copy)


@attrs.frozen(kw_only=True)
class Pair:
    """Put chain and key into a directory that is swapped as a whole.

    For readers that open both files at each connection. The path is a link, to the one
    of two directories beside it that was written last.
    """

    path: str
    owner: str = "root"
    group: str = "root"
    mode: str = "0400"
    """That of the key."""

    seconds: ClassVar[int] = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be such a directory, or would make the key public."""
        refuse_no_path(self.path)
        refuse_mode(self.mode, True, self.path)
        for name in (self.owner, self.group):
            refuse_account(name)

    @property
    def paths(self) -> tuple[str, ...]:
        """The link that it makes, and the files behind it."""
        return (self.path, f"{self.path}/chain.pem", f"{self.path}/key.pem")

    @property
    def text(self) -> str:
        """What it is called in the log."""
        return f"pair {self.path}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:  # noqa: ARG002 (every step has it)
        """Return the directories of its helpers, beside those of every deployment."""
        return ("pair",)

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:  # noqa: ARG002 (every step has both)
        """Return what does it: programs, of which each becomes the next."""
        directory, _, name = self.path.rpartition("/")
        pair = (
            "./data/pair",
            f"{self.owner}:{self.group}",
            self.mode,
            directory or "/",
            name,
            sender.name,
            sender.now,
        )
        return (pair,)
