"""The templates: where they are, and how a value gets into them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2

from s6gen.errors import Fatal
from s6gen.execline import word

PACKAGE = Path(__file__).parent


def template_directory() -> Path:
    """Where the templates are: in the installed package, or beside it in a checkout."""
    installed = PACKAGE / "templates"
    return installed if installed.is_dir() else PACKAGE.parent / "templates"


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


def environment() -> jinja2.Environment:
    """Where templates are expanded: an undefined variable is an error, a value is one word."""
    made = jinja2.Environment(  # noqa: S701 (execline, not HTML)
        loader=jinja2.FileSystemLoader(template_directory()),
        undefined=jinja2.StrictUndefined,
        finalize=quoted,
        keep_trailing_newline=True,
        optimized=False,  # each template is expanded once
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"words": words, "verbatim": verbatim}
    return made


def expand(templates: jinja2.Environment, path: str, service: object) -> str:
    """What a template becomes for a service."""
    source = (template_directory() / path).read_text("utf-8")
    if "{{" not in source and "{%" not in source:
        return source  # not worth a compilation
    return templates.get_template(path).render(service=service)


def template_paths(template: str, directories: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The files in some directories of a template: directory, and path within it."""
    for directory in sorted(directories):
        top = template_directory() / template / directory
        for path in sorted(top.rglob("*")):
            if path.is_file():
                yield directory, path.relative_to(top).as_posix()
