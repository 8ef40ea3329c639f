"""`s6gen graph`."""

import gc
import subprocess
from typing import Any

import click

from s6gen.check.errors import errors
from s6gen.commands.source_options import SOURCES, request
from s6gen.errors import Exit, Fatal
from s6gen.graph.draw import dot, mermaid
from s6gen.graph.picture import picture
from s6gen.sources.read_all import read_sources
from s6gen.text import write


def main(form: str, **sources: Any) -> None:
    """Read, arrange, draw."""
    gc.disable()
    services = read_sources(request(**sources))
    for source in services.sources:
        if source.failure:
            raise Fatal(
                f"unable to open {source.path}: {source.failure}", Exit.TEMPORARY
            )
    drawn = picture(services)
    if form == "svg":
        write(svg(dot(drawn)))
    else:
        write(mermaid(drawn) if form == "mermaid" else dot(drawn))
    if count := len(errors(services)):
        click.echo(
            f"s6gen: warning: s6-rc-compile would refuse these sources; s6gen check tells why "
            f"({count} {'error' if count == 1 else 'errors'})",
            err=True,
        )


def svg(text: str) -> str:
    """What Graphviz makes of it."""
    try:
        drawn = subprocess.run(
            ["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise Fatal(
            "--format svg needs dot; install Graphviz, or take --format dot"
        ) from None
    except subprocess.CalledProcessError as error:
        message = " ".join(error.stderr.split())
        raise Fatal(
            f"dot failed: {message or error.returncode}", Exit.TEMPORARY
        ) from None
    return drawn.stdout


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
            help="For Graphviz; for Mermaid, which GitHub and GitLab draw; drawn by Graphviz.",
        ),
    ],
    short_help="Draw services, dependencies, pipelines and bundles.",
    help="Draw the services in the source directories SRC: an arrow leads from a service to what "
    "it needs, a pipeline is one box, a bundle is a frame. Needs that follow from others are left "
    "out.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen graph /etc/s6-rc/source | dot -Tsvg > services.svg\n",
)
