"""From parameters, or a tree, to files, as `s6gen render` does it."""

from pathlib import Path

from s6gen.commands.render import refuse
from s6gen.output.plan import Change, Wish
from s6gen.output.update import make, under_way
from s6gen.rendering.expand import render
from s6gen.rendering.tree import Tree
from s6gen.services.host import host_services
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt


def rendered(parameters: RenewLetsEncrypt) -> Tree:
    """A renewal and its logger."""
    return render(host_services([parameters]))


def store(tree: Tree, output: Path, *, force: bool = False) -> list[Change]:
    """Make output hold a tree, and say what became of each file."""
    return fulfil(Wish(tree=tree, force=force), output)


def fulfil(wish: Wish, output: Path) -> list[Change]:
    """Make output as it is wished for."""
    with under_way(wish, output) as (update, top):
        refuse([one for one in update.changes if one.action == "refused"])
        make(update, top)
    return update.changes
