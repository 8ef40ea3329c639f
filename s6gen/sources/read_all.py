"""Reads all that a check or a graph is about: sources, layers, and s6-overlay's own."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from s6gen.sources.entries import Source
from s6gen.sources.layers import lay_beneath, layer_directories
from s6gen.sources.read import read_source
from s6gen.sources.s6_overlay import S6_OVERLAY, is_s6_overlay
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import REFERENCE, Version


class SourceRequest(NamedTuple):
    """The sources that the command line asks for."""

    paths: Sequence[str]
    layers: Sequence[str] = ()
    """Directories that an image build would lay beneath, the lowest first."""
    given: Sequence[str] = ()
    """Names of services and bundles that come from elsewhere."""
    s6_overlay: bool | None = None
    """s6-overlay's services are there; None: decide by the sources."""
    version: Version = REFERENCE


def read_sources(request: SourceRequest) -> ServiceSet:
    """Return the services of all sources, with all layers beneath.

    Raises Fatal for a tree of absurd size.
    """
    shown = (*request.paths, *request.layers)
    sources: Sequence[Source] = [
        read_source(without_slashes(path), shown) for path in request.paths
    ]
    with_overlay = has_s6_overlay(request, sources)
    for directory in lower_directories(request):
        sources = lay_beneath(sources, read_source(directory, shown))
    if with_overlay:
        sources = lay_beneath(sources, S6_OVERLAY)
    return service_set(sources, request.given, request.version)


def without_slashes(path: str) -> str:
    """A path without slashes at its end, unless it is the root."""
    return path.rstrip("/") or "/"


def lower_directories(request: SourceRequest) -> Iterator[str]:
    """The source directories of all layers, those of the highest layer first."""
    for layer in reversed(request.layers):
        yield from layer_directories(layer, request.paths)


def has_s6_overlay(request: SourceRequest, sources: Sequence[Source]) -> bool:
    """Tell whether s6-overlay's services are there: as requested, or by the sources."""
    if request.s6_overlay is not None:
        return request.s6_overlay
    return any(is_s6_overlay(source) for source in sources)
