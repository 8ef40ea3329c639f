"""The options that tell s6gen check and s6gen graph which services there are."""

import click

from s6gen.sources.read_all import SourceRequest
from s6gen.sources.version import REFERENCE, parse_version, version_text

SOURCES = [
    click.Argument(["paths"], metavar="SRC...", nargs=-1, required=True),
    click.Option(
        ["--layer", "layers"],
        metavar="DIR",
        multiple=True,
        help="A lower layer, merged with SRC by path as an image build does: a source "
        "directory, or a root in which the path of SRC is found again. Repeat it for "
        "more, the lowest first.",
    ),
    click.Option(
        ["--given"],
        metavar="NAME",
        multiple=True,
        help="A service or bundle that comes from elsewhere; several with commas "
        "between, or repeat it.",
    ),
    click.Option(
        ["--s6-overlay/--no-s6-overlay"],
        default=None,
        help="Whether s6-overlay's own services are there. [by the looks of SRC]",
    ),
    click.Option(
        ["--s6-rc", "version"],
        metavar="VERSION",
        default=version_text(REFERENCE),
        show_default=True,
        help="The release of s6-rc whose rules count.",
    ),
]


def source_request(
    paths: tuple[str, ...],
    layers: tuple[str, ...],
    given: tuple[str, ...],
    s6_overlay: bool | None,
    version: str,
) -> SourceRequest:
    """Return the sources that these options ask for.

    Raises Fatal for a version that is none, or that s6gen does not know.
    """
    names = []
    for text in given:
        names += [name for name in text.split(",") if name]
    return SourceRequest(
        paths=paths,
        layers=layers,
        given=names,
        s6_overlay=s6_overlay,
        version=parse_version(version),
    )
