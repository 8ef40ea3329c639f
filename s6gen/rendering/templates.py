"""The templates: where they are, and how a value gets into them."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
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
    """Text that is execline already and is not quoted again."""


def quoted(value: Any) -> str:
    """Return a value of an expression as one word of execline."""
    if isinstance(value, Execline):
        return value
    return Execline(word(str(value)))


def words(values: Iterable[str]) -> Execline:
    """Return values as words of execline. The filter `words` of the templates."""
    return Execline(" ".join(map(word, values)))


def verbatim(value: str) -> Execline:
    """Return a value unquoted. The filter `verbatim` of the templates.

    It is for the two places that execline does not lex: a comment, and the line that
    begins with #!. Raises Fatal for a value that does not fit into one line.
    """
    if "\n" in value or "\0" in value:
        raise Fatal(f"cannot stand in one line: {value!r}")
    return Execline(value)


def new_environment(directories: Sequence[Path]) -> jinja2.Environment:
    """Return an environment in which an undefined variable is an error.

    Each value becomes one word. The environment is sandboxed: a template reaches the
    values that it is given, but not Python.
    """
    environment = ImmutableSandboxedEnvironment(
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
    environment.filters |= {"words": words, "verbatim": verbatim}
    return environment


class Templates:
    """All templates: the administrator's own in front of s6gen's, file by file."""

    def __init__(self, own: Path | None = None) -> None:
        """Find the templates. `own`, if given, must be a directory: else raises Fatal.

        It needs to have only the templates that differ.
        """
        directories = [shipped("templates")]
        if own is not None:
            own = own.absolute()
            directories.insert(0, own)
        self.own = own
        self.sources = template_directories(directories)
        self._environment = new_environment(directories)
        self._constant: dict[str, File | None] = {}
        """The file of each template that was read, if all services have the same."""
        self._below: dict[str, list[tuple[str, str]]] = {}

    def below(self, directory: str) -> list[tuple[str, str]]:
        """Return the templates in a directory: their paths in it, and their names."""
        templates = self._below.get(directory)
        if templates is None:
            prefix = f"{directory}/"
            templates = []
            for name in sorted(self.sources):
                if name.startswith(prefix):
                    templates.append((name.removeprefix(prefix), name))
            self._below[directory] = templates
        return templates

    def expand(self, name: str, kind: Kind) -> File:
        """Return the file that a template becomes for a service.

        Raises Fatal for a mistake in a template of the administrator's own.
        """
        if name not in self._constant:
            self._constant[name] = constant_file(self.read(name))
        constant = self._constant[name]
        if constant is not None:
            return constant
        try:
            text = self._environment.get_template(name).render(service=kind)
        except Exception as error:
            raise self.mistake(error) or error from None
        return file(text.encode("utf-8", "surrogateescape"))

    def owner(self, name: str) -> str:
        """Return whose a template is: "own" or "s6gen"."""
        return "own" if self.sources[name] == self.own else "s6gen"

    def read(self, name: str) -> str:
        """Return the text of a template. Raises Fatal if it cannot be read."""
        path = self.sources[name] / name
        try:
            return path.read_text("utf-8")
        except UnicodeDecodeError:
            raise Fatal(f"{path}: is not UTF-8") from None
        except OSError as error:
            raise os_failure("read", str(path), error) from None

    def mistake(self, error: Exception) -> Fatal | None:
        """Return the mistake in a template of the administrator's own, with its line.

        Return None if the error comes from elsewhere: then it is a bug of s6gen.
        """
        path, line = position_of(error, self.own_paths())
        if self.own is None or not path.startswith(f"{self.own}/"):
            return None
        reason = str(error).partition("\n")[0] or type(error).__name__
        reason = re.sub(r"'s6gen\.[\w.]+ object'", "'service'", reason)
        return Fatal(f"{os.path.relpath(path)}:{line}: {reason}")

    def own_paths(self) -> set[str]:
        """Return the paths of the administrator's own templates."""
        paths = set()
        for name, directory in self.sources.items():
            if directory == self.own:
                paths.add(str(directory / name))
        return paths


def constant_file(text: str) -> File | None:
    """Return the file that a template always becomes, or None if it has expressions."""
    for mark in MARKS:
        if mark in text:
            return None
    return file(text.encode())


def template_directories(directories: Sequence[Path]) -> Mapping[str, Path]:
    """Return the directory of each template: the first one that has it."""
    sources = {}
    for directory in reversed(directories):
        for name in sorted(template_names(directory)):
            sources[name] = directory
    return sources


def template_names(directory: Path) -> Iterable[str]:
    """Return the names of the templates in a directory, without an editor's backups.

    Raises Fatal if there is no such directory, or if a name is not printable.
    """
    if not directory.is_dir():
        raise Fatal(f"{os.path.relpath(directory)}: is not a directory of templates")
    for path in directory.rglob("*"):
        if is_template(path):
            name = path.relative_to(directory).as_posix()
            if not name.isprintable():
                reason = f"a template is called {name!r}: give it a printable name"
                raise Fatal(f"{directory}: {reason}")
            yield name


def is_template(path: Path) -> bool:
    """Tell whether a path is a template: not a directory, nor an editor's backup."""
    if path.name.startswith(".") or path.name.endswith("~"):
        return False
    return path.is_file()


def position_of(error: Exception, paths: set[str]) -> tuple[str, int]:
    """Return the template in which an error came up, and the line number."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.filename or "", error.lineno
    return template_line(error.__traceback__, paths)


def template_line(trace: TracebackType | None, paths: set[str]) -> tuple[str, int]:
    """Return where an error came up in one of these files: its path and line number.

    The innermost file counts. jinja2 gives the frames of compiled templates the paths
    and line numbers of their sources.
    """
    innermost = ("", 0)
    while trace:
        path = trace.tb_frame.f_code.co_filename
        if path in paths:
            innermost = (path, trace.tb_lineno)
        trace = trace.tb_next
    return innermost
