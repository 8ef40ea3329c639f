"""`s6gen graph`."""

import subprocess
from typing import Any

import click

from s6gen.check.errors import errors
from s6gen.commands.source_options import SOURCES, source_request
from s6gen.errors import Exit, Fatal
from s6gen.graph.draw import dot_text, mermaid_text
from s6gen.graph.picture import picture_of
from s6gen.sources.read_all import read_sources
from s6gen.sources.service_set import ServiceSet
from s6gen.text import warn, write

SECONDS = 60
"""For dot to draw. It takes seconds for a thousand services, and some pictures never
end."""


def main(form: str, **sources: Any) -> None:
    """Read the sources, arrange their services, draw them."""
    services = read_sources(source_request(**sources))
    for source in services.sources:
        if source.failure:
            raise Fatal(
                f"unable to open {source.path}: {source.failure}", Exit.TEMPORARY
            )
    picture = picture_of(services)
    if form == "mermaid":
        write(mermaid_text(picture))
    elif form == "svg":
        write(svg_text(dot_text(picture)))
    else:
        write(dot_text(picture))
    warn_of_errors(services)


def warn_of_errors(services: ServiceSet) -> None:
    """Say on stderr that the sources have errors, if they have."""
    count = len(errors(services))
    if count == 0:
        return
    noun = "error" if count == 1 else "errors"
    warn(
        "s6-rc-compile would refuse these sources; "
        f"s6gen check tells why ({count} {noun})"
    )


def svg_text(dot: str) -> str:
    """Return the drawing that Graphviz makes of a graph in its language.

    Raises Fatal if Graphviz is missing, or fails.
    """
    try:
        drawing = subprocess.run(
            ["dot", "-Tsvg"],
            input=dot,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Fatal(
            f"dot takes more than {SECONDS} seconds; take --format dot, and draw that"
        ) from None
    except FileNotFoundError:
        raise Fatal(
            "--format svg needs dot; install Graphviz, or take --format dot"
        ) from None
    except subprocess.CalledProcessError as error:
        message = " ".join(error.stderr.split())
        raise Fatal(
            f"dot failed: {message or error.returncode}", Exit.TEMPORARY
        ) from None
    return drawing.stdout


command = click.Command(
    "graph",
    callback=main,
    params=[
        *SOURCES,
        click.Option(
            ["--format", "form"],
            type=click.Choice(["dot", "mermaid", "svg"]),
            default="dot",
            show_default=True,
            help="For Graphviz; for Mermaid, which GitHub and GitLab draw; "
            "drawn by Graphviz.",
        ),
    ],
    short_help="Draw services, dependencies, pipelines and bundles.",
    help="Draw the services in the source directories SRC: an arrow leads from a "
    "service to what it needs, a pipeline is one box, a bundle is a frame. Needs that "
    "follow from others are left out.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen graph /etc/s6-rc/source | dot -Tsvg > services.svg\n",
)
