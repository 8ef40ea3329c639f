"""The templates: where they are, and how a value gets into them."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from s6gen.errors import Fatal
from s6gen.execline import word
from s6gen.places import shipped
from s6gen.rendering.template_files import own_names, read_own
from s6gen.rendering.tree import MAX_CONTENT, File, file
from s6gen.services.kind import Kind

MARKS = ("{{", "{%", "{#")
"""A file without any of these is its own expansion."""
NEEDLESS_FILTERS = (
    *("e", "escape", "forceescape", "safe", "striptags", "urlize", "xmlattr"),
    *("filesizeformat", "pprint", "random", "urlencode", "wordcount", "wordwrap"),
)
"""Filters of jinja2 for pages of HTML, and one that renders differently each time."""
NEEDLESS_GLOBALS = ("cycler", "joiner", "lipsum")
"""Functions of jinja2 for such pages."""


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


class Loader(jinja2.BaseLoader):
    """Loads what `include` and the like name: templates that were found, no other."""

    def __init__(self, read: Callable[[str], str], path_of: Callable[[str], str]):
        """Templates are read by `read`; `path_of` is for messages."""
        self.read = read
        self.path_of = path_of

    def get_source(
        self,
        environment: jinja2.Environment,  # noqa: ARG002 (jinja2's signature)
        template: str,
    ) -> tuple[str, str, None]:
        """Return the text of a template, and its path."""
        try:
            path = self.path_of(template)
        except KeyError:
            message = f"no template is called {template!r}"
            raise jinja2.TemplateNotFound(template, message) from None
        return self.read(template), path, None

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 (jinja2's signature)
    ) -> jinja2.Template:
        """Return a template. Raises TemplateSyntaxError also for an endless number."""
        try:
            return super().load(environment, name, globals)
        except ValueError as error:  # Python reads some thousand digits
            path = self.path_of(name)
            raise jinja2.TemplateSyntaxError(str(error), 1, name, path) from None


def new_environment(
    read: Callable[[str], str], path_of: Callable[[str], str]
) -> jinja2.Environment:
    """Return an environment in which an undefined variable is an error.

    Each value becomes one word. The environment is sandboxed: a template reaches the
    values that it is given, but not Python.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=Loader(read, path_of),
        undefined=jinja2.StrictUndefined,
        finalize=quoted,
        keep_trailing_newline=True,
        optimized=False,  # takes longer than it saves, even for a thousand certificates
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        auto_reload=False,
    )
    for name in NEEDLESS_FILTERS:
        del environment.filters[name]
    for name in NEEDLESS_GLOBALS:
        del environment.globals[name]
    environment.filters |= {"words": words, "verbatim": verbatim}
    return environment


class Templates:
    """All templates: the administrator's own in front of s6gen's, file by file."""

    def __init__(
        self,
        own: Path | None = None,
        within: Path | None = None,
        *,
        follows_links: bool = False,
    ) -> None:
        """Find the templates. `own`, if given, must be a directory: else raises Fatal.

        It needs to have only the templates that differ. `within` is a directory that it
        is in or below: from there on no link is followed. Links in `own` may lead out
        of it if they are followed.
        """
        self.own = None if own is None else own.absolute()
        self.within = None if within is None else within.absolute()
        ours = shipped("templates")
        self.sources = dict.fromkeys(sorted(template_names(ours)), ours)
        if self.own is not None:
            refuse_missing(self.own)
            names = own_names(self.own, self.within, follows_links=follows_links)
            self.sources |= dict.fromkeys(names, self.own)
        self._environment = new_environment(self.read, self.path_of)
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
        try:
            content = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise self.refusal(name, "becomes what is no text (a surrogate)") from None
        if len(content) > MAX_CONTENT:
            reason = f"becomes more than {MAX_CONTENT >> 20} MiB"
            raise self.refusal(name, reason)
        return file(content)

    def refusal(self, name: str, reason: str) -> Fatal:
        """Return the refusal of what a template becomes."""
        return Fatal(f"{os.path.relpath(self.path_of(name))}: {reason}")

    def owner(self, name: str) -> str:
        """Return whose a template is: "own" or "s6gen"."""
        return "own" if self.sources[name] == self.own else "s6gen"

    def read(self, name: str) -> str:
        """Return the text of a template. Raises Fatal if it cannot be read."""
        directory = self.sources[name]
        if directory == self.own:
            return read_own(directory / name, self.within)
        return (directory / name).read_text("utf-8")

    def path_of(self, name: str) -> str:
        """Return the path of a template. Raises KeyError if there is none."""
        return str(self.sources[name] / name)

    def mistake(self, error: Exception) -> Fatal | None:
        """Return the mistake in a template of the administrator's own, with its line.

        Return None if the error comes from elsewhere: then it is a bug of s6gen.
        """
        path, line = position_of(error, self.own_paths())
        if self.own is None or not path.startswith(f"{self.own}/"):
            return None
        if isinstance(error, Fatal) and str(error).startswith(f"{self.own}/"):
            return error  # about the file, not about what stands in it
        reason = str(error).partition("\n")[0] or type(error).__name__
        if isinstance(error, MemoryError):
            reason = "takes too much memory"
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


def refuse_missing(directory: Path) -> None:
    """Raise Fatal if there is no directory at a path."""
    if not directory.is_dir():
        raise Fatal(f"{os.path.relpath(directory)}: is not a directory of templates")


def template_names(directory: Path) -> Iterator[str]:
    """Yield the names of s6gen's own templates."""
    for path in directory.rglob("*"):
        is_backup = path.name.startswith(".") or path.name.endswith("~")
        if not is_backup and path.is_file():
            yield path.relative_to(directory).as_posix()


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
