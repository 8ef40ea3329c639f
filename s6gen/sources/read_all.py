"""Reads all that one check or graph is about: sources, the layers beneath, what is built in."""

from collections.abc import Sequence
from typing import NamedTuple

from s6gen.sources.layers import lay_beneath, layer_directories
from s6gen.sources.read import read_source
from s6gen.sources.s6_overlay import S6_OVERLAY, is_s6_overlay
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import REFERENCE, Version


class Request(NamedTuple):
    """What the command line asks for."""

    paths: Sequence[str]
    layers: Sequence[str] = ()
    """Directories that an image build would lay beneath, the lowest first."""
    given: Sequence[str] = ()
    s6_overlay: bool | None = None
    """Whether s6-overlay's services are there; None: look at the sources."""
    version: Version = REFERENCE


def read_sources(request: Request) -> ServiceSet:
    """The services of all sources, with all layers beneath."""
    sources = tuple(read_source(path.rstrip("/") or "/") for path in request.paths)
    overlay = request.s6_overlay
    if overlay is None:
        overlay = any(is_s6_overlay(source) for source in sources)
    for layer in reversed(request.layers):
        for directory in layer_directories(layer, request.paths):
            sources = lay_beneath(sources, read_source(directory))
    if overlay:
        sources = lay_beneath(sources, S6_OVERLAY)
    return service_set(sources, request.given, request.version)
