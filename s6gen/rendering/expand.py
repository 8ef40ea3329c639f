"""From the parameters of services to a tree of files."""

import functools
from collections.abc import Iterable, Iterator, Mapping

from s6gen.errors import Fatal
from s6gen.places import PACKAGE
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import File, Tree, file
from s6gen.services.kind import Kind

EMPTY = File(b"")


def render(kinds: Iterable[Kind], templates: Templates | None = None) -> Tree:
    """Return the source definition directories of some services, sorted by path.

    Raises Fatal for a mistake in the administrator's own templates.
    """
    if templates is None:
        templates = Templates()
    files: dict[str, File] = {}
    for kind in kinds:
        files.update(expanded_templates(kind, templates))
        files.update(copied_programs(kind))
        files.update(empty_files(kind))
    return {path: files[path] for path in sorted(files)}


def expanded_templates(kind: Kind, templates: Templates) -> Iterator[tuple[str, File]]:
    """Return the files that a kind's templates become, by their paths."""
    for directory, service in kind.directories.items():
        for path, name in templates.below(f"{kind.template}/{directory}"):
            yield f"{service}/{path}", templates.expand(name, kind)


def copied_programs(kind: Kind) -> Iterator[tuple[str, File]]:
    """Return the files of the programs that a service brings with it."""
    for path, name in kind.programs.items():
        for module, content in program(name).items():
            yield f"{path}/{module}", content


@functools.cache
def program(name: str) -> Mapping[str, File]:
    """Return the modules of a package of s6gen, such as `acme_client`, by their paths.

    A path is relative to the package, and uses '/'; packages inside it go along. They
    are read once: what a thousand services share is in memory once. Raises Fatal
    if there are none: a service without its client would never renew.
    """
    top = PACKAGE / name
    files = {}
    for path in sorted(top.rglob("*.py")):
        if "__pycache__" not in path.parts:
            files[path.relative_to(top).as_posix()] = file(path.read_bytes())
    if not files:
        raise Fatal(f"{top}: has no modules: install s6gen again")
    return files


def empty_files(kind: Kind) -> Iterator[tuple[str, File]]:
    """Return the files of dependencies.d and contents.d, whose names say everything.

    See s6-rc-compile: Source format.
    """
    for directory, names in kind.empty_files.items():
        for name in names:
            yield f"{directory}/{name}", EMPTY
