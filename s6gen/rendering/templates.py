"""The templates: where they are, and how a value gets into them."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from s6gen.errors import Fatal, os_failure
from s6gen.execline import word
from s6gen.places import shipped
from s6gen.rendering.tree import File, file
from s6gen.services.kind import Kind

MARKS = ("{{", "{%", "{#")
"""A file without any of these is its own expansion."""


class Execline(str):
    """Text that is execline already, and is not quoted again."""


def quoted(value: Any) -> str:
    """What an expression of a template becomes: one word, unless it is execline already."""
    return value if isinstance(value, Execline) else Execline(word(str(value)))


def words(values: Iterable[str]) -> Execline:
    """Several words."""
    return Execline(" ".join(word(value) for value in values))


def verbatim(value: str) -> Execline:
    """A value as it is, for the two places that execline does not lex: #! and comments."""
    if "\n" in value or "\0" in value:
        raise Fatal(f"cannot stand in one line: {value!r}")
    return Execline(value)


def environment(directories: Sequence[Path]) -> jinja2.Environment:
    """Where templates are expanded: an undefined variable is an error, a value is one word.

    Sandboxed: a template gets at the values it is given, not at Python.
    """
    made = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(directories),
        undefined=jinja2.StrictUndefined,
        finalize=quoted,
        keep_trailing_newline=True,
        optimized=False,  # takes longer than it saves, even for a thousand certificates
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        auto_reload=False,
    )
    made.filters |= {"words": words, "verbatim": verbatim}
    return made


class Templates:
    """All templates: the administrator's own in front of ours, file by file."""

    def __init__(self, own: Path | None = None) -> None:
        """Own need not have any; raises Fatal if it is no directory."""
        own = own and own.absolute()
        directories = (
            (shipped("templates"),) if own is None else (own, shipped("templates"))
        )
        self.own = own
        self.sources = {
            name: top
            for top in reversed(directories)
            for name in sorted(names_below(top))
        }
        self._environment = environment(directories)
        self._known: dict[str, File | None] = {}
        """Each template that was expanded: what it becomes, if that is always the same."""
        self._below: dict[str, list[tuple[str, str]]] = {}

    def below(self, directory: str) -> list[tuple[str, str]]:
        """The templates in a directory: path within it, and name."""
        if directory not in self._below:
            start = len(directory) + 1
            self._below[directory] = sorted(
                (name[start:], name)
                for name in self.sources
                if name.startswith(f"{directory}/")
            )
        return self._below[directory]

    def expand(self, name: str, kind: Kind) -> File:
        """What a template becomes for a service. Raises Fatal for a mistake in one's own."""
        if name not in self._known:
            text = self.read(name)
            plain = not any(mark in text for mark in MARKS)
            self._known[name] = file(text.encode()) if plain else None
        if plain_file := self._known[name]:
            return plain_file
        try:
            text = self._environment.get_template(name).render(service=kind)
        except Exception as error:
            raise self.mistake(error) or error from None
        return file(text.encode("utf-8", "surrogateescape"))

    def origin(self, name: str) -> str:
        """Whose a template is."""
        return "own" if self.sources[name] == self.own else "s6gen"

    def read(self, name: str) -> str:
        """The text of a template."""
        path = self.sources[name] / name
        try:
            return path.read_text("utf-8")
        except UnicodeDecodeError:
            raise Fatal(f"{path}: is not UTF-8") from None
        except OSError as error:
            raise os_failure("read", str(path), error) from None

    def mistake(self, error: Exception) -> Fatal | None:
        """What is wrong in a template of the administrator's own, and where."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            path, line = error.filename or "", error.lineno
        else:
            path, line = template_line(
                error.__traceback__, set(map(str, self.own_paths()))
            )
        if self.own is None or not path.startswith(f"{self.own}/"):
            return None
        words = str(error).partition("\n")[0] or type(error).__name__
        message = re.sub(r"'s6gen\.[\w.]+ object'", "'service'", words)
        return Fatal(f"{os.path.relpath(path)}:{line}: {message}")

    def own_paths(self) -> Iterable[Path]:
        """The files of the administrator's own."""
        return (top / name for name, top in self.sources.items() if top == self.own)


def names_below(top: Path) -> Iterable[str]:
    """The templates in a directory: not what an editor leaves."""
    if not top.is_dir():
        raise Fatal(f"{os.path.relpath(top)}: is not a directory of templates")
    for path in top.rglob("*"):
        name = path.relative_to(top).as_posix()
        if (
            not path.name.startswith(".")
            and not path.name.endswith("~")
            and path.is_file()
        ):
            if not name.isprintable():
                raise Fatal(
                    f"{top}: a template is called {name!r}: give it a printable name"
                )
            yield name


def template_line(trace: TracebackType | None, paths: set[str]) -> tuple[str, int]:
    """Where an error came up: the innermost of these files, and its line (jinja2 maps them)."""
    found = ("", 0)
    while trace:
        path = trace.tb_frame.f_code.co_filename
        if path in paths:
            found = (path, trace.tb_lineno)
        trace = trace.tb_next
    return found
