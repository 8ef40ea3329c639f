"""All warnings by name: what s6-rc-compile accepts, and is almost surely wrong."""

from collections.abc import Callable, Container, Iterable, Iterator

import attrs

from s6gen.finding import Finding
from s6gen.rules import graphs, pipelines, unread, values
from s6gen.rules.command_lines import COMMAND_LINE_WARNINGS, command_lines, null_character
from s6gen.rules.definitions import at
from s6gen.rules.scripts import SCRIPT_WARNINGS, notification_never_written, scripts
from s6gen.service import Service
from s6gen.service_set import ServiceSet

ServiceWarning = Callable[[ServiceSet, Service], Iterator[Finding]]

SERVICE_WARNINGS: tuple[ServiceWarning, ...] = (
    pipelines.stdout_redirected,
    pipelines.stderr_not_logged,
    pipelines.roles_swapped,
    pipelines.logger_without_readiness,
    pipelines.consumer_of_nothing,
    notification_never_written,
    null_character,
    unread.misspelt_file,
    unread.file_of_another_type,
    unread.down_in_longrun,
    unread.log_directory,
    unread.list_beside_directory,
    unread.pipeline_name_ignored,
    unread.file_too_new,
    unread.file_not_copied,
    unread.unread_file,
    unread.relative_link,
    values.descriptor_too_low,
    values.timeout_in_seconds,
    values.death_tally_clipped,
    values.unknown_signal,
    values.text_after_number,
    graphs.odd_name,
    graphs.blank_at_end,
    graphs.empty_bundle,
    graphs.lost_in_git,
    graphs.script_missing,
)

SET_WARNINGS = (graphs.services_in_no_bundle, graphs.too_many_services)


def name_of(rule: Callable[..., object]) -> str:
    """The name that a rule goes by outside: its function's, with dashes."""
    return rule.__name__.replace("_", "-")


WARNINGS = frozenset(
    [
        *map(name_of, SCRIPT_WARNINGS),
        *map(name_of, COMMAND_LINE_WARNINGS),
        *map(name_of, SERVICE_WARNINGS),
        *map(name_of, SET_WARNINGS),
    ]
)
"""The names of all warnings."""


def warnings(services: ServiceSet, ignored: Container[str] = ()) -> Iterator[Finding]:
    """Everything that compiles and then fails, but what is ignored."""
    about_services = [rule for rule in SERVICE_WARNINGS if name_of(rule) not in ignored]
    about_sets = [rule for rule in SET_WARNINGS if name_of(rule) not in ignored]
    for service in own_services(services):
        for rule in about_services:
            yield from own(service, stamped(rule, rule(services, service)))
        yield from own(service, script_warnings(service, ignored))
    for set_rule in about_sets:
        yield from stamped(set_rule, set_rule(services))


def own_services(services: ServiceSet) -> Iterator[Service]:
    """The services that are defined, at least in part, in the sources that were asked about."""
    for source in services.sources:
        for definition in () if source.is_layer else source.definitions:
            service = services.services[definition.name]
            if service.type and service.definition is definition:
                yield service


def own(service: Service, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings in files of the sources themselves, not of a layer beneath."""
    inside = f"{service.definition.path}/"
    for finding in findings:
        if not service.definition.lent or f"{finding.path}/".startswith(inside):
            yield finding


def script_warnings(service: Service, ignored: Container[str]) -> Iterator[Finding]:
    """What is to be said of each script by itself."""
    for file, script in scripts(service):
        for rule in SCRIPT_WARNINGS:
            if name_of(rule) not in ignored:
                found = (at(service, file, *one) for one in rule(file, script))
                yield from stamped(rule, found)
    for file, words in command_lines(service):
        for command_rule in COMMAND_LINE_WARNINGS:
            if name_of(command_rule) not in ignored:
                found = (at(service, file, *one) for one in command_rule(words))
                yield from stamped(command_rule, found)


def stamped(rule: Callable[..., object], findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a rule, bearing its name."""
    for finding in findings:
        yield attrs.evolve(finding, rule=name_of(rule), warning=True)
