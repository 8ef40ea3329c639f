"""From parameters, or a tree, to files, as `s6gen render` does it."""

from collections.abc import Sequence
from pathlib import Path

from s6gen.output.change import Change, Wanted
from s6gen.render import Rendering, apply
from s6gen.rendering.expand import render
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import Tree
from s6gen.services.host import host_services
from s6gen.services.kind import Kind
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt


def rendered(parameters: RenewLetsEncrypt) -> Tree:
    """A renewal and its logger."""
    return tree_of(host_services([parameters]))


def tree_of(kinds: Sequence[Kind]) -> Tree:
    """The files of services on one host."""
    (tree,) = render([kinds], Templates())
    return tree


def store(tree: Tree, output: Path, *, force: bool = False) -> list[Change]:
    """Make output hold a tree, and say what became of each file."""
    return fulfil(Wanted(tree=tree, force=force), output)


def fulfil(wanted: Wanted, output: Path) -> list[Change]:
    """Make output as it is wanted."""
    (update,) = apply(Rendering({output: wanted}))
    return update.changes
