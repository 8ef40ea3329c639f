"""`s6gen check`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from s6gen.check import report
from s6gen.check.check import check
from s6gen.check.finding import Finding
from s6gen.check.warnings import WARNINGS
from s6gen.commands.source_options import SOURCES, source_request
from s6gen.errors import Exit, Fatal
from s6gen.sources.read_all import read_sources
from s6gen.sources.service_set import ServiceSet
from s6gen.text import wants_colour, write, write_coloured

MOST = 10_000
"""Findings that are shown. Nobody reads more; GitHub shows ten at once."""


def main(strict: bool, ignored: tuple[str, ...], form: str, **sources: Any) -> Exit:
    """Read the sources, check them, report."""
    refuse_unknown_warnings(ignored)
    services = read_sources(source_request(**sources))
    findings = check(services, ignored)
    shown = first_findings(findings)
    has_errors = not all(finding.is_warning for finding in findings)
    if form == "json":
        compiled = None if has_errors else compiled_database(services)
        write(report.as_json(shown, compiled))
    elif form == "text":
        write_coloured(report.text(shown, colour=wants_colour()))
    else:
        write(report.FORMATS[form](shown))
    if has_errors or (strict and findings):
        return Exit.NO
    return Exit.OK


def first_findings(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings, or of very many the first ones, and how many more."""
    if len(findings) <= MOST:
        return findings
    first = findings[0]
    more = Finding(
        first.path,
        f"{len(findings) - MOST} more findings are not shown; correct these first",
        rule="too-many",
        is_warning=all(finding.is_warning for finding in findings),
    )
    return [*findings[:MOST], more]


def refuse_unknown_warnings(names: tuple[str, ...]) -> None:
    """Raise Fatal for a name that no warning has."""
    for name in names:
        if name not in WARNINGS:
            raise Fatal(f"--ignore {name}: no such warning; s6gen-check(1) lists them")


def compiled_database(services: ServiceSet) -> Mapping[str, Any]:
    """The compiled database of sources without errors."""
    from s6gen.check.database import database  # here, as only JSON needs it

    return database(services)


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
    help="Tell whether s6-rc-compile would take the source directories SRC, together, "
    "and what in them would compile and then fail. All errors and warnings are "
    "listed, each at its place. Exits 0 if s6-rc-compile would succeed, 1 if not.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen check /etc/s6-rc/source\n"
    "  s6gen check --layer base/root app/root/etc/s6-overlay/s6-rc.d\n",
)
