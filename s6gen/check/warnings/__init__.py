"""All warnings by name: what s6-rc-compile accepts, and is almost surely wrong."""

from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.check.warnings import (
    bundles,
    command_lines,
    names,
    numbers,
    pipelines,
    run_scripts,
    unread_files,
)
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import ServiceSet

FileWarning = Callable[[ServiceSet, Service, str], Iterator[Finding]]
"""Looks at one file of a service."""

EACH: tuple[FileWarning, ...] = (
    names.odd_name,
    names.blank_at_end,
    bundles.empty_bundle,
)
"""For every service."""

STRANGERS: tuple[FileWarning, ...] = (
    unread_files.misspelt_file,
    unread_files.file_of_another_type,
    unread_files.down_in_longrun,
    unread_files.log_directory,
    unread_files.file_not_copied,
)
"""For every file that s6-rc-compile does not look at."""

_FLAGS: Mapping[str, tuple[FileWarning, ...]] = {
    "flag-essential": (unread_files.file_too_new,),
    "flag-recommended": (unread_files.file_too_new,),
}
_ATOMIC: Mapping[str, tuple[FileWarning, ...]] = {
    **_FLAGS,
    "dependencies": (unread_files.list_beside_directory,),
    "dependencies.d": (unread_files.lost_in_git,),
    "timeout-up": (numbers.timeout_in_seconds,),
    "timeout-down": (numbers.timeout_in_seconds,),
}

_SCRIPT: tuple[FileWarning, ...] = (
    command_lines.null_character,
    command_lines.shell_script,
    run_scripts.script_missing,
)

KNOWN: Mapping[str, Mapping[str, tuple[FileWarning, ...]]] = {
    ONESHOT: {
        **_ATOMIC,
        "up": _SCRIPT,
        "down": _SCRIPT,
        "reload": (unread_files.file_too_new, *_SCRIPT),
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
        "pipeline-name": (pipelines.pipeline_name_ignored,),
        "notification-fd": (
            numbers.descriptor_too_low,
            numbers.text_after_number,
            run_scripts.notification_never_written,
        ),
        "lock-fd": (numbers.descriptor_too_low, numbers.text_after_number),
        "timeout-kill": (numbers.timeout_in_seconds, numbers.text_after_number),
        "timeout-finish": (numbers.timeout_in_seconds, numbers.text_after_number),
        "max-death-tally": (numbers.death_tally_clipped, numbers.text_after_number),
        "down-signal": (numbers.unknown_signal,),
        "reload-signal": (unread_files.file_too_new, numbers.unknown_signal),
        "flag-newpidns": (unread_files.file_too_new,),
        "flag-timeout-killpg": (unread_files.file_too_new,),
        "data": (unread_files.relative_link,),
        "env": (unread_files.relative_link,),
        "template": (unread_files.relative_link,),
    },
    BUNDLE: {
        **_FLAGS,
        "contents": (unread_files.list_beside_directory,),
        "contents.d": (unread_files.lost_in_git,),
    },
}
"""By type, for the files that s6-rc-compile looks at."""

SETS = (
    unread_files.unread_file,
    bundles.empty_source,
    bundles.services_in_no_bundle,
    bundles.too_many_services,
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
        *map(name_of, run_scripts.SCRIPT_WARNINGS),
        *map(name_of, command_lines.COMMAND_LINE_WARNINGS),
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
    for file in islice(unread_files.strangers(service), unread_files.MOST):
        for rule in STRANGERS:
            for one in rule(services, service, file):
                found.append(stamped(rule, one))
    return found


SCRIPTS = {ONESHOT: ("up", "down", "reload"), LONGRUN: ("run", "finish"), BUNDLE: ()}


def script_warnings(service: Service, file: str) -> Iterator[Finding]:
    """What is to be said of a script by itself."""
    if script := run_scripts.script_in(service, file):
        for rule in run_scripts.SCRIPT_WARNINGS:
            for message, line in rule(file, script):
                yield stamped(rule, at(service, file, message, line))
    if words := command_lines.command_line(service, file):
        for command_rule in command_lines.COMMAND_LINE_WARNINGS:
            for message, line in command_rule(words):
                yield stamped(command_rule, at(service, file, message, line))


def stamped(rule: Callable[..., object], finding: Finding) -> Finding:
    """The finding of a rule, bearing its name."""
    return finding._replace(rule=name_of(rule), warning=True)
