"""From the parameters of services to a tree of files."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from s6gen.errors import Fatal
from s6gen.places import PACKAGE
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import File, Tree, file
from s6gen.services.kind import Kind

EMPTY = File(b"")


def render(hosts: Iterable[Sequence[Kind]], templates: Templates) -> list[Tree]:
    """Return the source definition directories of each host's services.

    The hosts come together, because own templates are expanded once for all of them: a
    bound for each would be none. Raises Fatal for a mistake in such a template.
    """
    hosts = list(hosts)
    kinds = [kind for host in hosts for kind in host]
    expanded = iter(expansions(kinds, templates))
    return [host_tree(host, expanded) for host in hosts]


def host_tree(
    kinds: Iterable[Kind], expanded: Iterator[Iterable[tuple[str, File]]]
) -> Tree:
    """Return the files of some services, sorted by path.

    `expanded` has what the templates of these services become, and is used up so far.
    """
    files: dict[str, File] = {}
    for kind in kinds:
        files.update(next(expanded))
        files.update(copied_programs(kind))
        files.update(empty_files(kind))
    return {path: files[path] for path in sorted(files)}


def expansions(
    kinds: Sequence[Kind], templates: Templates
) -> Iterable[Iterable[tuple[str, File]]]:
    """Return for each kind the files that its templates become, by their paths."""
    if templates.own is None:
        return [expanded_templates(kind, templates) for kind in kinds]
    from s6gen.rendering.bounded import expand_bounded  # few have own templates

    return expand_bounded(
        [functools.partial(noted_expansion, kind, templates) for kind in kinds]
    )


def noted_expansion(
    kind: Kind, templates: Templates, note: Callable[[str], None]
) -> list[tuple[str, File]]:
    """Return the files that a kind's templates become; each is noted before."""
    return list(expanded_templates(kind, templates, note))


def expanded_templates(
    kind: Kind, templates: Templates, note: Callable[[str], None] | None = None
) -> Iterator[tuple[str, File]]:
    """Yield the files that a kind's templates become, by their paths."""
    for directory, service in kind.directories.items():
        for path, name in templates.below(f"{kind.template}/{directory}"):
            if note is not None:
                note(os.path.relpath(templates.path_of(name)))
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
