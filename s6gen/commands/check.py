"""`s6gen check`."""

import gc
from typing import Any

import click

from s6gen.check import report
from s6gen.check.check import check
from s6gen.check.warnings import WARNINGS
from s6gen.commands.source_options import SOURCES, request
from s6gen.errors import Exit, Fatal
from s6gen.sources.read_all import read_sources
from s6gen.text import wants_colour, write


def main(strict: bool, ignored: tuple[str, ...], form: str, **sources: Any) -> Exit:
    """Read, check, report."""
    for name in ignored:
        if name not in WARNINGS:
            raise Fatal(f"--ignore {name}: no such warning; s6gen-check(1) lists them")
    # Nothing here is garbage before the end: collecting would cost a tenth of the run.
    gc.disable()
    services = read_sources(request(**sources))
    findings = check(services, ignored)
    wrong = any(not finding.warning or strict for finding in findings)
    if form == "json":
        from s6gen.check.database import database

        sound = all(finding.warning for finding in findings)
        text = report.as_json(findings, database(services) if sound else None)
    elif form in report.FORMATS:
        text = report.FORMATS[form](findings)
    else:
        text = report.text(findings, colour=wants_colour())
    write(text)
    return Exit.NO if wrong else Exit.OK


command = click.Command(
    "check",
    callback=main,
    params=[
        *SOURCES,
        click.Option(["--strict"], is_flag=True, help="Exit 1 for warnings too."),
        click.Option(
            ["--ignore", "ignored"],
            metavar="NAME",
            multiple=True,
            help="Leave out the warning of this name; repeat it for more.",
        ),
        click.Option(
            ["--format", "form"],
            type=click.Choice(["text", "json", "github", "gitlab"]),
            default="text",
            show_default=True,
            help="For people; for programs; for annotations in GitHub or GitLab.",
        ),
    ],
    short_help="Tell whether s6-rc-compile would take source directories.",
    help="Tell whether s6-rc-compile would take the source directories SRC, together, and what in "
    "them would compile and then fail. All errors and warnings are listed, each at its place. "
    "Exits 0 if s6-rc-compile would succeed, 1 if not.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen check /etc/s6-rc/source\n"
    "  s6gen check --layer base/root app/root/etc/s6-overlay/s6-rc.d\n",
)
