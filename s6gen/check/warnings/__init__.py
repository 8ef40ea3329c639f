"""All warnings by name: what s6-rc-compile accepts, and is almost surely wrong."""

from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.check.warnings import bundles as graphs
from s6gen.check.warnings import numbers as values
from s6gen.check.warnings import pipelines
from s6gen.check.warnings import run_scripts as scripts
from s6gen.check.warnings import unread_files as unread
from s6gen.check.warnings.command_lines import (
    COMMAND_LINE_WARNINGS,
    command_line,
    null_character,
    shell_script,
)
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import ServiceSet

FileWarning = Callable[[ServiceSet, Service, str], Iterator[Finding]]
"""Looks at one file of a service."""

EACH: tuple[FileWarning, ...] = (
    graphs.odd_name,
    graphs.blank_at_end,
    graphs.empty_bundle,
)
"""For every service."""

STRANGERS: tuple[FileWarning, ...] = (
    unread.misspelt_file,
    unread.file_of_another_type,
    unread.down_in_longrun,
    unread.log_directory,
    unread.file_not_copied,
)
"""For every file that s6-rc-compile does not look at."""

_FLAGS: Mapping[str, tuple[FileWarning, ...]] = {
    "flag-essential": (unread.file_too_new,),
    "flag-recommended": (unread.file_too_new,),
}
_ATOMIC: Mapping[str, tuple[FileWarning, ...]] = {
    **_FLAGS,
    "dependencies": (unread.list_beside_directory,),
    "dependencies.d": (graphs.lost_in_git,),
    "timeout-up": (values.timeout_in_seconds,),
    "timeout-down": (values.timeout_in_seconds,),
}

_SCRIPT: tuple[FileWarning, ...] = (null_character, shell_script, graphs.script_missing)

KNOWN: Mapping[str, Mapping[str, tuple[FileWarning, ...]]] = {
    ONESHOT: {
        **_ATOMIC,
        "up": _SCRIPT,
        "down": _SCRIPT,
        "reload": (unread.file_too_new, *_SCRIPT),
    },
    LONGRUN: {
        **_ATOMIC,
        "run": (pipelines.logger_without_readiness,),
        "producer-for": (
            pipelines.stdout_redirected,
            pipelines.stderr_not_logged,
            pipelines.roles_swapped,
        ),
        "consumer-for": (pipelines.consumer_of_nothing,),
        "pipeline-name": (unread.pipeline_name_ignored,),
        "notification-fd": (
            values.descriptor_too_low,
            values.text_after_number,
            scripts.notification_never_written,
        ),
        "lock-fd": (values.descriptor_too_low, values.text_after_number),
        "timeout-kill": (values.timeout_in_seconds, values.text_after_number),
        "timeout-finish": (values.timeout_in_seconds, values.text_after_number),
        "max-death-tally": (values.death_tally_clipped, values.text_after_number),
        "down-signal": (values.unknown_signal,),
        "reload-signal": (unread.file_too_new, values.unknown_signal),
        "flag-newpidns": (unread.file_too_new,),
        "flag-timeout-killpg": (unread.file_too_new,),
        "data": (unread.relative_link,),
        "env": (unread.relative_link,),
        "template": (unread.relative_link,),
    },
    BUNDLE: {
        **_FLAGS,
        "contents": (unread.list_beside_directory,),
        "contents.d": (graphs.lost_in_git,),
    },
}
"""By type, for the files that s6-rc-compile looks at."""

SETS = (
    unread.unread_file,
    graphs.empty_source,
    graphs.services_in_no_bundle,
    graphs.too_many_services,
)


def name_of(rule: Callable[..., object]) -> str:
    """The name that a rule goes by outside: its function's, with dashes."""
    return rule.__name__.replace("_", "-")


WARNINGS = frozenset(
    [
        *map(name_of, EACH),
        *map(name_of, STRANGERS),
        *(
            name_of(rule)
            for files in KNOWN.values()
            for rules in files.values()
            for rule in rules
        ),
        *map(name_of, scripts.SCRIPT_WARNINGS),
        *map(name_of, COMMAND_LINE_WARNINGS),
        *map(name_of, SETS),
    ]
)
"""The names of all warnings."""


def warnings(services: ServiceSet, ignored: Container[str] = ()) -> Iterator[Finding]:
    """Everything that compiles and then fails, but what is ignored."""
    for service in services.own():
        for finding in service_warnings(services, service):
            if finding.rule not in ignored:
                yield finding
    for rule in SETS:
        for finding in rule(services):
            if name_of(rule) not in ignored:
                yield stamped(rule, finding)


def service_warnings(services: ServiceSet, service: Service) -> list[Finding]:
    """What is to be said of one service, but not of what a layer beneath brings."""
    found = [stamped(rule, one) for rule in EACH for one in rule(services, service, "")]
    known = KNOWN[service.type]
    scripts_here = SCRIPTS[service.type]
    for file in service.definition.entries:
        if file in service.definition.lent:
            continue
        for rule in known.get(file, ()):
            for one in rule(services, service, file):
                found.append(stamped(rule, one))
        if file in scripts_here:
            found += script_warnings(service, file)
    for file in islice(unread.strangers(service), unread.MOST):
        for rule in STRANGERS:
            for one in rule(services, service, file):
                found.append(stamped(rule, one))
    return found


SCRIPTS = {ONESHOT: ("up", "down", "reload"), LONGRUN: ("run", "finish"), BUNDLE: ()}


def script_warnings(service: Service, file: str) -> Iterator[Finding]:
    """What is to be said of a script by itself."""
    if script := scripts.script_in(service, file):
        for rule in scripts.SCRIPT_WARNINGS:
            for message, line in rule(file, script):
                yield stamped(rule, at(service, file, message, line))
    if words := command_line(service, file):
        for command_rule in COMMAND_LINE_WARNINGS:
            for message, line in command_rule(words):
                yield stamped(command_rule, at(service, file, message, line))


def stamped(rule: Callable[..., object], finding: Finding) -> Finding:
    """The finding of a rule, bearing its name."""
    return finding._replace(rule=name_of(rule), warning=True)
