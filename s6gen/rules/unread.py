"""Warnings of files that do nothing."""

import itertools
import re
from collections.abc import Iterator

from s6gen.finding import Finding
from s6gen.rules.definitions import PRESENT, REQUIRED, at
from s6gen.service import BUNDLE, LONGRUN, ONESHOT, Service, exists, read
from s6gen.service_set import ServiceSet
from s6gen.source import Folder
from s6gen.version import SINCE, reads, shown

FILES = {
    kind: frozenset({"type", *PRESENT[kind], *(name for name, _ in REQUIRED[kind])})
    for kind in (ONESHOT, LONGRUN, BUNDLE)
}
"""What s6-rc-compile looks at, by type."""
EVERY = frozenset().union(*FILES.values())
REMARK = re.compile(
    r"readme|license|copying|changelog|.*\.(md|txt|rst|html|example|sample)", re.IGNORECASE
)
BACKUP = re.compile(r".*(~|\.(bak|old|orig|save|swp|disabled|dpkg-\w+|rpm\w+))")


def strangers(service: Service) -> Iterator[str]:
    """The entries that s6-rc-compile does not look at."""
    known = FILES[service.type]
    for name in service.definition.entries:
        if name not in known and not name.startswith(".") and not REMARK.fullmatch(name):
            yield name


def misspelt_file(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """No file is named almost like one that s6-rc-compile reads."""
    for name in strangers(service):
        if meant := meant_by(name, service):
            yield at(service, name, f"is not read; rename it to {meant}, if that is meant")


def meant_by(name: str, service: Service) -> str:
    """The file that this name is probably a slip for, or nothing."""
    if name in EVERY or BACKUP.fullmatch(name):
        return ""
    plain = skeleton(name)
    for known in sorted(FILES[service.type]):
        if not exists(service.definition, known) and plain == skeleton(known):
            return known
    return SYNONYMS.get(plain, "") if SYNONYMS.get(plain) in FILES[service.type] else ""


def skeleton(name: str) -> str:
    """A name without what is easily got wrong: case, dashes, a plural, .d."""
    letters = re.sub(r"[-_. ]", "", name.lower().removesuffix(".d"))
    return letters.removesuffix("ies").removesuffix("y").removesuffix("s")


SYNONYMS = {
    "notificationid": "notification-fd",
    "notifyfd": "notification-fd",
    "readinessfd": "notification-fd",
    "depend": "dependencies.d",
    "dependon": "dependencies.d",
    "depencenc": "dependencies.d",
    "dependanc": "dependencies.d",
    "content": "contents.d",
    "start": "up",
    "stop": "down",
    "consumer": "consumer-for",
    "producer": "producer-for",
    "consumerof": "consumer-for",
    "producerof": "producer-for",
    "pipeline": "pipeline-name",
    "essential": "flag-essential",
    "recommended": "flag-recommended",
    "stopsignal": "down-signal",
    "killtimeout": "timeout-kill",
    "finishtimeout": "timeout-finish",
}


def file_of_another_type(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """No file belongs to services of another type (s6-rc-compile: Source format)."""
    for name in strangers(service):
        if name == "down" and service.type == LONGRUN:
            continue
        if name in EVERY and not is_mentioned(service, name):
            kind = " or ".join(kind for kind in FILES if name in FILES[kind])
            article = "an" if service.type == ONESHOT else "a"
            yield at(
                service,
                name,
                f"is not read in {article} {service.type}, only in a {kind}; remove it, or "
                "change the type",
            )


def is_mentioned(service: Service, name: str) -> bool:
    """Whether a script of the service names this file, which then is there for the script."""
    for script in ("up", "down", "reload", "run", "finish"):
        content = read(service.definition, script)
        if script != name and isinstance(content, bytes):
            pattern = rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"
            if re.search(pattern, content.decode(errors="surrogateescape")):
                return True
    return False


def down_in_longrun(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """A longrun has no down, which s6-rc ignores (s6-rc-compile: For longruns)."""
    if service.type == LONGRUN and exists(service.definition, "down"):
        yield at(
            service,
            "down",
            "is ignored: the service starts anyway; remove it, and leave the service out of the "
            "bundles instead",
        )


def log_directory(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """A longrun has no log directory, which s6-rc ignores (s6-rc-compile: For longruns)."""
    log = service.definition.entries.get("log")
    if service.type == LONGRUN and isinstance(log, Folder):
        yield at(
            service,
            "log",
            "is ignored: no logger is made of it; make the logger a longrun of its own, joined by "
            "producer-for and consumer-for",
        )


def list_beside_directory(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """Names are in NAME.d or in NAME, not in both (s6-rc-compile: Source format)."""
    for name in ("contents",) if service.type == BUNDLE else ("dependencies",):
        folder = service.definition.entries.get(f"{name}.d")
        content = read(service.definition, name)
        if isinstance(folder, Folder) and isinstance(content, bytes) and content.strip():
            yield at(service, name, f"is ignored beside {name}.d; move its names there")


def pipeline_name_ignored(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """Only a last consumer names its pipeline (s6-rc-compile warns of it)."""
    is_last = service.producers and not exists(service.definition, "producer-for")
    if service.type == LONGRUN and not is_last and exists(service.definition, "pipeline-name"):
        yield at(
            service,
            "pipeline-name",
            "is ignored: this is not the last consumer of a pipeline; move it there",
        )


def file_too_new(services: ServiceSet, service: Service) -> Iterator[Finding]:
    """No file is there that this release does not read yet (git log of s6-rc-compile.c)."""
    for name in SINCE.keys() & service.definition.entries.keys() & FILES[service.type]:
        if not reads(services.version, name):
            yield at(
                service,
                name,
                f"is ignored by s6-rc {shown(services.version)}: it is read from "
                f"{shown(SINCE[name])} on; remove it, or check with --s6-rc {shown(SINCE[name])}",
            )


def file_not_copied(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """What run and finish look for in their directory is in data or env (For longruns)."""
    if service.type != LONGRUN:
        return
    here = [name for name in strangers(service) if name not in ("log", "down")]
    for script in ("run", "finish") if here else ():
        content = read(service.definition, script)
        text = content.decode(errors="surrogateescape") if isinstance(content, bytes) else ""
        for name in here:
            pattern = rf"(?<![\w/.-])(\./{re.escape(name)})(?![\w.-])"
            if found := re.search(pattern, text):
                yield at(
                    service,
                    script,
                    f"./{name} will not be there: only data and env are copied; move it to "
                    f"data/{name}",
                    text.count("\n", 0, found.start()) + 1,
                )


def unread_file(services: ServiceSet, service: Service) -> Iterator[Finding]:
    """Nothing lies in a definition that neither s6-rc-compile nor a script of it reads."""
    for name in strangers(service):
        if name in EVERY or name == "log" or meant_by(name, service):
            continue
        if not is_mentioned(service, name) and not is_used(services, service, name):
            yield at(
                service,
                name,
                "is not read; move it to data/ if a script needs it, or out of the source",
            )


CONVENTION = 3
"""A file that so many services have is read by some tool of their own."""


def is_used(services: ServiceSet, service: Service, name: str) -> bool:
    """Whether a file is likely there for something that we do not see."""
    if isinstance(service.definition.entries[name], Folder) and name in ("instance", "instances"):
        return True
    if is_mentioned(service, service.name):
        # up names a script here, which may read others.
        return True
    owners = (one for one in services.services.values() if name in one.definition.entries)
    return len(list(itertools.islice(owners, CONVENTION))) == CONVENTION


def relative_link(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """data, env and template are no relative links: links are copied as they are (hiercopy)."""
    if service.type != LONGRUN:
        return
    for name in ("data", "env", "template"):
        entry = service.definition.entries.get(name)
        if isinstance(entry, Folder) and entry.link and not entry.link.startswith("/"):
            yield at(
                service,
                name,
                f"the link to {entry.link} is copied as it is and leads nowhere at run time; "
                "make it a directory, or the link absolute",
            )
