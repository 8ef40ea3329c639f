"""All warnings: the table of rules for sources that compile and are surely wrong.

ARCHITECTURE.md tells what else a new warning needs.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from s6gen.check.finding import Finding, add_rule, file_finding, rule_name
from s6gen.check.warnings import (
    bundles,
    command_lines,
    names,
    numbers,
    pipelines,
    run_scripts,
    unread_files,
)
from s6gen.sources.entries import LONGRUN_SCRIPTS, ONESHOT_SCRIPTS
from s6gen.sources.script import RunScript
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import ServiceSet

ServiceRule = Callable[[ServiceSet, Service], Iterator[Finding]]
"""Checks a service as a whole."""
FileRule = Callable[[ServiceSet, Service, str], Iterator[Finding]]
"""Checks one file of a service."""
ScriptRule = Callable[[str, RunScript], Iterator[tuple[str, int]]]
"""Checks a run or finish script: its file, itself; yields messages and their lines."""
CommandLineRule = Callable[[command_lines.Command], Iterator[tuple[str, int]]]
"""Checks the words of an execline script; yields messages and their lines."""
SetRule = Callable[[ServiceSet], Iterator[Finding]]
"""Checks all services together."""

SERVICE_RULES: tuple[ServiceRule, ...] = (
    names.odd_name,
    names.blank_at_end,
    bundles.empty_bundle,
)
"""The rules for every service."""

_FLAGS: Mapping[str, tuple[FileRule, ...]] = {
    "flag-essential": (unread_files.file_too_new,),
    "flag-recommended": (unread_files.file_too_new,),
}
_ATOMIC: Mapping[str, tuple[FileRule, ...]] = {
    **_FLAGS,
    "dependencies": (unread_files.list_beside_directory,),
    "dependencies.d": (unread_files.lost_in_git,),
    "timeout-up": (numbers.timeout_in_seconds,),
    "timeout-down": (numbers.timeout_in_seconds,),
}
_ONESHOT_SCRIPT: tuple[FileRule, ...] = (
    command_lines.null_character,
    command_lines.shell_script,
    run_scripts.script_missing,
)

FILE_RULES: Mapping[str, Mapping[str, tuple[FileRule, ...]]] = {
    ONESHOT: {
        **_ATOMIC,
        "up": _ONESHOT_SCRIPT,
        "down": _ONESHOT_SCRIPT,
        "reload": (unread_files.file_too_new, *_ONESHOT_SCRIPT),
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
"""By type, the rules for the files that s6-rc-compile looks at."""

SCRIPTS_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    ONESHOT: ONESHOT_SCRIPTS,
    LONGRUN: LONGRUN_SCRIPTS,
    BUNDLE: (),
}
"""By type, the files that the next two tables are for."""

_SCRIPT: tuple[ScriptRule, ...] = (
    run_scripts.no_shebang,
    run_scripts.interpreter_not_absolute,
    run_scripts.carriage_return,
    run_scripts.env_with_arguments,
    run_scripts.script_not_lexed,
)

SCRIPT_RULES: Mapping[str, tuple[ScriptRule, ...]] = {
    "run": (*_SCRIPT, run_scripts.shell_stays, run_scripts.run_in_background),
    "finish": _SCRIPT,
}
"""The rules for the scripts of longruns."""

COMMAND_LINE_RULES: tuple[CommandLineRule, ...] = (
    command_lines.single_quotes,
    command_lines.block_missing,
    command_lines.glued_brace,
    command_lines.variable_not_imported,
    command_lines.next_line_is_an_argument,
    command_lines.shell_syntax,
)
"""The rules for execline scripts."""

UNREAD_FILE_RULES: tuple[FileRule, ...] = (
    unread_files.misspelt_file,
    unread_files.file_of_another_type,
    unread_files.down_in_longrun,
    unread_files.log_directory,
    unread_files.file_not_copied,
)
"""The rules for the files that s6-rc-compile does not look at."""

SET_RULES: tuple[SetRule, ...] = (
    unread_files.unread_file,
    bundles.empty_source,
    bundles.services_in_no_bundle,
    bundles.too_many_services,
)
"""The rules for all services together."""


def all_names() -> Iterator[str]:
    """The names of all rules in the tables."""
    yield from map(rule_name, SERVICE_RULES)
    yield from map(rule_name, COMMAND_LINE_RULES)
    yield from map(rule_name, UNREAD_FILE_RULES)
    yield from map(rule_name, SET_RULES)
    for script_rules in SCRIPT_RULES.values():
        yield from map(rule_name, script_rules)
    for rules_by_file in FILE_RULES.values():
        for rules in rules_by_file.values():
            yield from map(rule_name, rules)


WARNINGS = frozenset(all_names())
"""The names of all warnings."""


def warnings(services: ServiceSet, ignored: Container[str] = ()) -> Iterator[Finding]:
    """Yield a finding for everything that compiles and then fails.

    Warnings whose names are ignored are left out.
    """
    for finding in all_findings(services):
        if finding.rule not in ignored:
            yield finding._replace(is_warning=True)


def all_findings(services: ServiceSet) -> Iterator[Finding]:
    """The findings of all rules."""
    for service in services.own_services():
        yield from service_findings(services, service)
    for rule in SET_RULES:
        yield from add_rule(rule(services), rule)


def service_findings(services: ServiceSet, service: Service) -> Iterator[Finding]:
    """The findings in one service, without what a lower layer brings."""
    for rule in SERVICE_RULES:
        yield from add_rule(rule(services, service), rule)
    rules_by_file = FILE_RULES[service.type]
    scripts = SCRIPTS_BY_TYPE[service.type]
    for file in service.definition.own_entries():
        file_rules = rules_by_file.get(file, ())
        yield from file_findings(services, service, file, file_rules)
        if file in scripts:
            yield from script_findings(service, file)
            yield from command_line_findings(service, file)
    for file in unread_files.unread_entries(service):
        yield from file_findings(services, service, file, UNREAD_FILE_RULES)


def file_findings(
    services: ServiceSet, service: Service, file: str, rules: Iterable[FileRule]
) -> Iterator[Finding]:
    """The findings of some rules in a file."""
    for rule in rules:
        yield from add_rule(rule(services, service, file), rule)


def script_findings(service: Service, file: str) -> Iterator[Finding]:
    """The findings in a run or finish script by itself."""
    script = run_scripts.script_in(service, file)
    if script is None:
        return
    for rule in SCRIPT_RULES[file]:
        findings = findings_in_file(service, file, rule(file, script))
        yield from add_rule(findings, rule)


def command_line_findings(service: Service, file: str) -> Iterator[Finding]:
    """The findings in an execline script by itself."""
    words = command_lines.command_line(service, file)
    if not words:
        return
    for rule in COMMAND_LINE_RULES:
        findings = findings_in_file(service, file, rule(words))
        yield from add_rule(findings, rule)


def findings_in_file(
    service: Service, file: str, messages: Iterable[tuple[str, int]]
) -> Iterator[Finding]:
    """The findings that messages about lines of a file make."""
    for message, line in messages:
        yield file_finding(service, file, message, line)
