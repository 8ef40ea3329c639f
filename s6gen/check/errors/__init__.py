"""All errors: the table of rules by which s6-rc-compile refuses sources.

They stand apart from the warnings, which `s6gen render` does not need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from s6gen.check.errors.definitions import (
    contents_are_there,
    descriptors_differ,
    directories_can_be_opened,
    file_can_be_read,
    finish_can_be_copied,
    flags_can_be_examined,
    folder_can_be_listed,
    folders_are_folders,
    names_can_be_read,
    numbers_are_unsigned,
    pipeline_has_one_name,
    producer_for_names_one,
    run_is_a_regular_file,
    scripts_are_lexed,
    signals_do_not_wait,
    timeouts_are_milliseconds,
    type_is_known,
    up_is_there,
)
from s6gen.check.errors.references import (
    bundles_have_no_cycle,
    consumers_are_longruns,
    dependencies_have_no_cycle,
    entries_can_be_examined,
    names_are_allowed,
    names_are_defined_once,
    producers_are_longruns,
    sources_can_be_opened,
)
from s6gen.check.errors.undefined import names_are_defined, undefined_names
from s6gen.check.finding import Finding, add_rule
from s6gen.sources.entries import source_of
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import reads

FileRule = Callable[[Service, str], Iterator[Finding]]
"""Checks one file of a service."""
SetRule = Callable[[ServiceSet], Iterator[Finding]]
"""Checks all services together."""

REQUIRED: Mapping[str, tuple[tuple[str, FileRule], ...]] = {
    ONESHOT: (("up", up_is_there),),
    LONGRUN: (("run", run_is_a_regular_file),),
    BUNDLE: (("contents.d", contents_are_there),),
    "": (("type", type_is_known),),
}
"""By type, the rules for files that may be absent, applied in any case."""

_ATOMIC: Mapping[str, FileRule] = {
    "dependencies": names_can_be_read,
    "dependencies.d": folder_can_be_listed,
    "timeout-up": timeouts_are_milliseconds,
    "timeout-down": timeouts_are_milliseconds,
    "flag-essential": flags_can_be_examined,
    "flag-recommended": flags_can_be_examined,
}

PRESENT: Mapping[str, Mapping[str, FileRule]] = {
    ONESHOT: {
        **_ATOMIC,
        "up": scripts_are_lexed,
        "down": scripts_are_lexed,
        "reload": scripts_are_lexed,
    },
    LONGRUN: {
        **_ATOMIC,
        "producer-for": producer_for_names_one,
        "consumer-for": file_can_be_read,
        "pipeline-name": pipeline_has_one_name,
        "finish": finish_can_be_copied,
        "notification-fd": numbers_are_unsigned,
        "lock-fd": descriptors_differ,
        "timeout-kill": numbers_are_unsigned,
        "timeout-finish": numbers_are_unsigned,
        "max-death-tally": numbers_are_unsigned,
        "down-signal": signals_do_not_wait,
        "reload-signal": signals_do_not_wait,
        "flag-newpidns": flags_can_be_examined,
        "flag-timeout-killpg": flags_can_be_examined,
        "template": folders_are_folders,
        "data": folders_are_folders,
        "env": folders_are_folders,
    },
    BUNDLE: {
        "contents": names_can_be_read,
        "contents.d": folder_can_be_listed,
        "flag-essential": flags_can_be_examined,
        "flag-recommended": flags_can_be_examined,
    },
    "": {},
}
"""By type, the rules for files that exist."""

SET_RULES: tuple[SetRule, ...] = (
    sources_can_be_opened,
    entries_can_be_examined,
    names_are_allowed,
    names_are_defined_once,
    consumers_are_longruns,
    producers_are_longruns,
    bundles_have_no_cycle,
    dependencies_have_no_cycle,
    names_are_defined,
)
"""The rules for all services together."""


def errors(services: ServiceSet) -> list[Finding]:
    """Return every reason why s6-rc-compile would refuse the sources.

    Causes stand before effects.
    """
    findings: list[Finding] = []
    for service in services.all:
        for rule, file in definition_rules(services, service):
            findings += add_rule(rule(service, file), rule)
    for set_rule in SET_RULES:
        findings += add_rule(set_rule(services), set_rule)
    return findings


def definition_rules(
    services: ServiceSet, service: Service
) -> Iterator[tuple[FileRule, str]]:
    """The rules for a service definition directory, each with the file to check."""
    if service.definition.failure:
        yield directories_can_be_opened, ""
        return
    for file, required in REQUIRED[service.type]:
        yield required, file
    rules = PRESENT[service.type]
    for file in service.definition.entries:
        rule = rules.get(file)
        # A file that this release does not read cannot be wrong.
        if rule and reads(services.version, file):
            yield rule, file


def tree_errors(files: Iterable[tuple[str, bytes, bool]], path: str) -> list[Finding]:
    """Return the reasons why s6-rc-compile would refuse files that are not written yet.

    A file is its path below the source directory, its content, and a flag that says
    whether it is executable; path is that of the source directory. Names that the files
    do not define are taken to come from elsewhere.
    """
    source = source_of(files, path)
    names = undefined_names(service_set([source]))
    return errors(service_set([source], given=names))
