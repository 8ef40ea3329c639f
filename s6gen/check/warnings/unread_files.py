"""Warnings of files that do nothing."""

import re
from collections.abc import Iterator
from itertools import islice

from s6gen.check.errors.definitions import PRESENT, REQUIRED, at
from s6gen.check.finding import Finding
from s6gen.check.spelling import distance
from s6gen.sources.entries import Folder
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service, exists, read
from s6gen.sources.service_set import ServiceSet
from s6gen.sources.version import SINCE, reads, shown

FILES = {
    type_: frozenset({"type", *PRESENT[type_], *(name for name, _ in REQUIRED[type_])})
    for type_ in (ONESHOT, LONGRUN, BUNDLE)
}
"""What s6-rc-compile looks at, by type."""
EVERY = frozenset().union(*FILES.values())
REMARK = re.compile(
    r"readme|license|copying|changelog|.*\.(md|txt|rst|html|example|sample)",
    re.IGNORECASE,
)
BACKUP = re.compile(r".*(~|\.(bak|old|orig|save|swp|disabled|dpkg-\w+|rpm\w+))")


def is_stranger(service: Service, name: str) -> bool:
    """Whether s6-rc-compile does not look at an entry, which is no mere remark either."""
    return (
        name not in FILES[service.type]
        and not name.startswith(".")
        and not REMARK.fullmatch(name)
    )


def misspelt_file(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file is named almost like one that s6-rc-compile reads."""
    if meant := meant_by(file, service):
        yield at(service, file, f"is not read; rename it to {meant}, if that is meant")


def meant_by(name: str, service: Service) -> str:
    """The file that this name is probably a slip for, or nothing."""
    if name in EVERY or BACKUP.fullmatch(name):
        return ""
    plain = skeleton(name)
    if SYNONYMS.get(plain) in FILES[service.type]:
        return SYNONYMS[plain]
    reach = 2 if len(plain) > 5 else 0
    missing = [
        known for known in FILES[service.type] if not exists(service.definition, known)
    ]
    distances = [(distance(plain, skeleton(known), reach), known) for known in missing]
    nearest, meant = min(distances, default=(reach + 1, ""))
    if nearest > reach or is_used(service, name):
        return ""
    return meant


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


def file_of_another_type(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file belongs to services of another type (s6-rc-compile: Source format)."""
    if file not in EVERY or is_mentioned(service, file):
        return
    if file == "down" and service.type == LONGRUN:
        return
    right = " or ".join(type_ for type_ in FILES if file in FILES[type_])
    article = "an" if service.type == ONESHOT else "a"
    yield at(
        service,
        file,
        f"is not read in {article} {service.type}, only in a {right}; remove it, or change the "
        "type",
    )


def is_mentioned(service: Service, name: str) -> bool:
    """Whether a script of the service names this file, which then is there for the script."""
    pattern = rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"
    return any(
        re.search(pattern, text) for file, text in script_texts(service) if file != name
    )


def script_texts(service: Service) -> Iterator[tuple[str, str]]:
    """The scripts of a service."""
    for file in ("up", "down", "reload", "run", "finish"):
        content = read(service.definition, file)
        if isinstance(content, bytes):
            yield file, content.decode(errors="surrogateescape")


def down_in_longrun(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A longrun has no down, which s6-rc ignores (s6-rc-compile: For longruns)."""
    if service.type == LONGRUN and file == "down":
        yield at(
            service,
            file,
            "is ignored: the service starts anyway; remove it, and leave the service out of the "
            "bundles instead",
        )


def log_directory(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A longrun has no log directory, which s6-rc ignores (s6-rc-compile: For longruns)."""
    if is_log_directory(service, file):
        yield at(
            service,
            file,
            "is ignored: no logger is made of it; make the logger a longrun of its own, joined by "
            "producer-for and consumer-for",
        )


def is_log_directory(service: Service, file: str) -> bool:
    """Whether this is how loggers are defined without s6-rc."""
    entry = service.definition.entries[file]
    return file == "log" and service.type == LONGRUN and isinstance(entry, Folder)


def list_beside_directory(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Names are in NAME.d or in NAME, not in both (s6-rc-compile: Source format)."""
    folder = service.definition.entries.get(f"{file}.d")
    content = read(service.definition, file)
    if isinstance(folder, Folder) and isinstance(content, bytes) and content.strip():
        yield at(service, file, f"is ignored beside {file}.d; move its names there")


def file_too_new(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file is there that this release does not read yet (git log of s6-rc-compile.c)."""
    if not reads(services.version, file):
        since = shown(SINCE[file])
        yield at(
            service,
            file,
            f"is ignored by s6-rc {shown(services.version)}: it is read from {since} on; remove "
            f"it, or check with --s6-rc {since}",
        )


def file_not_copied(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """What run and finish look for in their directory is in data or env (For longruns)."""
    if service.type != LONGRUN or file in EVERY:
        return
    for script in ("run", "finish"):
        content = read(service.definition, script)
        text = (
            content.decode(errors="surrogateescape")
            if isinstance(content, bytes)
            else ""
        )
        if found := re.search(rf"(?<![\w/.-])\./{re.escape(file)}(?![\w.-])", text):
            yield at(
                service,
                script,
                f"./{file} will not be there: only data and env are copied; move it to data/{file}",
                text.count("\n", 0, found.start()) + 1,
            )


def unread_file(services: ServiceSet) -> Iterator[Finding]:
    """Nothing lies in a definition that neither s6-rc-compile nor a script of it reads."""
    found: dict[str, list[Service]] = {}
    for service in services.own():
        for name in islice(strangers(service), MOST):
            if not is_told_of(service, name) and not is_used(service, name):
                found.setdefault(name, []).append(service)
    for name, owners in found.items():
        # What so many services have is read by some tool of their own.
        for service in owners if len(owners) < CONVENTION else ():
            yield at(
                service,
                name,
                "is not read; move it to data/ if a script needs it, or out of the source",
            )


MOST = 20
"""Strangers in one definition that are worth a look."""
CONVENTION = 3


def strangers(service: Service) -> Iterator[str]:
    """The entries of a definition that s6-rc-compile does not look at, but not those of a layer."""
    for name in service.definition.entries:
        if name not in service.definition.lent and is_stranger(service, name):
            yield name


def is_told_of(service: Service, name: str) -> bool:
    """Whether another warning says more of this file."""
    return (
        name in EVERY
        or is_log_directory(service, name)
        or bool(meant_by(name, service))
    )


def is_used(service: Service, name: str) -> bool:
    """Whether a file is likely there for something that we do not see."""
    if isinstance(service.definition.entries[name], Folder) and name in (
        "instance",
        "instances",
    ):
        return True
    if is_mentioned(service, name):
        return True
    # A script here that is named by its path may read others.
    return any(f"/{service.name}/" in text for _, text in script_texts(service))


def relative_link(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No relative links are data, env and template: links are copied as they are (hiercopy)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Folder) and entry.link and not entry.link.startswith("/"):
        yield at(
            service,
            file,
            f"the link to {entry.link} is copied as it is and leads nowhere at run time; "
            "make it a directory, or the link absolute",
        )


def lost_in_git(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Names in dependencies.d and contents.d are files: git keeps no empty directories."""
    folder = service.definition.entries[file]
    for name in folder.empty if isinstance(folder, Folder) else ():
        if not name.startswith("."):
            yield at(
                service,
                f"{file}/{name}",
                "is an empty directory, which git does not keep; make it an empty file",
            )
