"""Parameters in, tree out."""

import functools
from collections.abc import Iterable, Iterator, Mapping

from s6gen import __version__
from s6gen.output.record import Origin, digest
from s6gen.places import PACKAGE
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import File, Tree, file
from s6gen.services.kind import Kind

EMPTY = File(b"")


def render(kinds: Iterable[Kind], templates: Templates | None = None) -> Tree:
    """The source definition directories of some services, as s6-rc-compile takes them."""
    templates = templates or Templates()
    files: dict[str, File] = {}
    for kind in kinds:
        files |= templated(kind, templates)
        files |= copied(kind)
        files |= named(kind)
    return dict(sorted(files.items()))


def templated(kind: Kind, templates: Templates) -> Iterator[tuple[str, File]]:
    """What comes from the template directory, under the names that the parameters give."""
    for directory, service in kind.directories.items():
        for path, name in templates.below(f"{kind.template}/{directory}"):
            yield f"{service}/{path}", templates.expand(name, kind)


def copied(kind: Kind) -> Iterator[tuple[str, File]]:
    """The programs that go along as they are."""
    for path, module in kind.programs.items():
        yield path, program(module)


@functools.cache
def program(module: str) -> File:
    """A module of s6gen."""
    return file((PACKAGE / module).read_bytes())


def named(kind: Kind) -> Iterator[tuple[str, File]]:
    """The empty files of dependencies.d and contents.d (s6-rc-compile: Source format)."""
    for directory, names in kind.empty_files.items():
        for name in names:
            yield f"{directory}/{name}", EMPTY


def origins(kinds: Iterable[Kind]) -> Mapping[str, Origin]:
    """For each service what it is rendered by and from."""
    return {
        kind.service: Origin(
            __version__, digest(kind.parameter_text.encode("utf-8", "surrogateescape"))[:16]
        )
        for kind in kinds
    }
