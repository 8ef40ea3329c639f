"""Warnings of files that do nothing."""

import re
from collections.abc import Iterator
from itertools import islice

from s6gen.check.errors import PRESENT, REQUIRED
from s6gen.check.finding import Finding, file_finding
from s6gen.check.spelling import nearest
from s6gen.sources.entries import LONGRUN_SCRIPTS, SCRIPTS, Folder
from s6gen.sources.service import (
    BUNDLE,
    LONGRUN,
    ONESHOT,
    Service,
    exists,
    readable_content,
)
from s6gen.sources.service_set import ServiceSet
from s6gen.sources.version import SINCE, reads, version_text


def files_of(type_: str) -> frozenset[str]:
    """The files that s6-rc-compile looks at in a service of this type."""
    required = [file for file, _ in REQUIRED[type_]]
    return frozenset({"type", *required, *PRESENT[type_]})


FILES = {type_: files_of(type_) for type_ in (ONESHOT, LONGRUN, BUNDLE)}
"""The files that s6-rc-compile looks at, by type."""
FILES_OF_ANY_TYPE = frozenset().union(*FILES.values())
REMARK = re.compile(
    r"readme|license|copying|changelog|.*\.(md|txt|rst|html|example|sample)",
    re.IGNORECASE,
)
"""Names of remarks, which are for people."""
BACKUP = re.compile(r".*(~|\.(bak|old|orig|save|swp|disabled|dpkg-\w+|rpm\w+))")
"""Names of copies, which are meant to do nothing."""
MOST = 20
"""The number of unread entries in one definition that are checked."""
CONVENTION = 3
"""A file that so many services have is read by some tool of their own."""


def unread_entries(service: Service) -> Iterator[str]:
    """The first entries that s6-rc-compile ignores, without those of a layer."""
    return islice(all_unread_entries(service), MOST)


def all_unread_entries(service: Service) -> Iterator[str]:
    """All such entries."""
    for name in service.definition.own_entries():
        if is_unread(service, name):
            yield name


def is_unread(service: Service, name: str) -> bool:
    """Tell whether s6-rc-compile ignores an entry, which is no remark for people."""
    if name in FILES[service.type] or name.startswith("."):
        return False
    return REMARK.fullmatch(name) is None


def misspelt_file(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file is named almost like one that s6-rc-compile reads."""
    intended = intended_file(service, file)
    if not intended:
        return
    message = f"is not read; rename it to {intended}, if that is meant"
    yield file_finding(service, file, message)


def intended_file(service: Service, name: str) -> str:
    """The file that is probably meant by this name, or empty."""
    if name in FILES_OF_ANY_TYPE or BACKUP.fullmatch(name):
        return ""
    synonym = SYNONYMS.get(skeleton(name), "")
    if synonym in FILES[service.type]:
        return synonym
    return similar_file(service, name)


def similar_file(service: Service, name: str) -> str:
    """The missing file whose name differs by a letter or two, or empty."""
    missing = []
    for file in FILES[service.type]:
        if not exists(service.definition, file):
            missing.append(file)
    plain = skeleton(name)
    # In a short name, each letter makes another word.
    reach = 2 if len(plain) > 5 else 0
    similar = nearest(plain, missing, reach, form=skeleton)
    # A script that uses the file knows its name.
    if similar and is_used(service, name):
        return ""
    return similar


def skeleton(name: str) -> str:
    """A name without the parts that are easily wrong: case, dashes, a plural, .d."""
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
"""By the skeletons of names that other supervisors use: the files of s6-rc."""


def file_of_another_type(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file belongs to services of another type (s6-rc-compile: Source format)."""
    if file not in FILES_OF_ANY_TYPE or is_mentioned(service, file):
        return
    # down-in-longrun says more of it.
    if file == "down" and service.type == LONGRUN:
        return
    types = " or ".join(types_that_read(file))
    yield file_finding(
        service,
        file,
        f"is not read in {WITH_ARTICLE[service.type]}, only in a {types}; "
        "remove it, or change the type",
    )


WITH_ARTICLE = {ONESHOT: "an oneshot", LONGRUN: "a longrun", BUNDLE: "a bundle"}


def types_that_read(file: str) -> list[str]:
    """The types of service in which s6-rc-compile looks at a file."""
    return [type_ for type_, files in FILES.items() if file in files]


def is_mentioned(service: Service, name: str) -> bool:
    """Tell whether a script of the service names this file, which it then may read."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    for file, text in script_texts(service):
        if file != name and pattern.search(text):
            return True
    return False


def script_texts(service: Service) -> Iterator[tuple[str, str]]:
    """The scripts of a service, by file."""
    for file in SCRIPTS:
        yield file, script_text(service, file)


def script_text(service: Service, file: str) -> str:
    """The text of a script; empty if it does not exist."""
    content = readable_content(service.definition, file)
    return content.decode(errors="surrogateescape")


def down_in_longrun(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A longrun has no down, which s6-rc ignores (s6-rc-compile: For longruns)."""
    if service.type == LONGRUN and file == "down":
        yield file_finding(
            service,
            file,
            "is ignored: the service starts anyway; "
            "remove it, and leave the service out of the bundles instead",
        )


def log_directory(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """s6-rc ignores a log directory (s6-rc-compile: For longruns)."""
    if is_log_directory(service, file):
        yield file_finding(
            service,
            file,
            "is ignored: no logger is made of it; make the logger a longrun of its "
            "own, joined by producer-for and consumer-for",
        )


def is_log_directory(service: Service, file: str) -> bool:
    """Tell whether this defines a logger as it is done without s6-rc."""
    entry = service.definition.entries[file]
    return file == "log" and service.type == LONGRUN and isinstance(entry, Folder)


def list_beside_directory(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Names are in NAME.d or in NAME, not in both (s6-rc-compile: Source format)."""
    folder = service.definition.entries.get(f"{file}.d")
    content = readable_content(service.definition, file)
    if isinstance(folder, Folder) and content.strip():
        message = f"is ignored beside {file}.d; move its names there"
        yield file_finding(service, file, message)


def file_too_new(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No file is there for a later release (git log of s6-rc-compile.c)."""
    if not reads(services.version, file):
        since = version_text(SINCE[file])
        version = version_text(services.version)
        yield file_finding(
            service,
            file,
            f"is ignored by s6-rc {version}: it is read from {since} on; "
            f"remove it, or check with --s6-rc {since}",
        )


def file_not_copied(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A file that run or finish look for in their directory is in data or env.

    (s6-rc-compile: For longruns)
    """
    if service.type != LONGRUN or file in FILES_OF_ANY_TYPE:
        return
    pattern = re.compile(rf"(?<![\w/.-])\./{re.escape(file)}(?![\w.-])")
    for script in LONGRUN_SCRIPTS:
        text = script_text(service, script)
        match = pattern.search(text)
        if match:
            yield file_finding(
                service,
                script,
                f"./{file} will not be there: only data and env are copied; "
                f"move it to data/{file}",
                text.count("\n", 0, match.start()) + 1,
            )


def unread_file(services: ServiceSet) -> Iterator[Finding]:
    """No file lies in a definition that neither s6-rc-compile nor a script reads."""
    for name, owners in owners_of_unread_files(services).items():
        if len(owners) >= CONVENTION:
            continue
        for service in owners:
            yield file_finding(
                service,
                name,
                "is not read; move it to data/ if a script needs it, "
                "or out of the source",
            )


def owners_of_unread_files(services: ServiceSet) -> dict[str, list[Service]]:
    """The names of files that nothing reads, and the services with such a file."""
    owners: dict[str, list[Service]] = {}
    for service in services.own_services():
        for name in unread_entries(service):
            if not is_explained(service, name):
                owners.setdefault(name, []).append(service)
    return owners


def is_explained(service: Service, name: str) -> bool:
    """Tell whether another warning says more of a file, or something may use it."""
    if name in FILES_OF_ANY_TYPE or is_log_directory(service, name):
        return True
    return intended_file(service, name) != "" or is_used(service, name)


def is_used(service: Service, name: str) -> bool:
    """Tell whether a file is likely there for a program that we do not see."""
    is_folder = isinstance(service.definition.entries[name], Folder)
    if is_folder and name in ("instance", "instances"):
        return True
    return is_mentioned(service, name) or mentions_own_path(service)


def mentions_own_path(service: Service) -> bool:
    """Tell whether a script names its definition directory, whose files it may use."""
    path = f"/{service.name}/"
    return any(path in text for _, text in script_texts(service))


def relative_link(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A link at data, env or template is absolute: it is copied as it is (hiercopy)."""
    entry = service.definition.entries[file]
    if not isinstance(entry, Folder) or not entry.link:
        return
    if not entry.link.startswith("/"):
        # It is about the link, and not about what lies behind it.
        yield Finding(
            service.definition.path_of(file),
            f"the link to {entry.link} is copied as it is and leads nowhere at run "
            "time; make it a directory, or the link absolute",
        )


def lost_in_git(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No name in a list is an empty directory, which git does not keep."""
    folder = service.definition.entries[file]
    if not isinstance(folder, Folder):
        return
    for name in folder.empty:
        if not name.startswith("."):
            yield file_finding(
                service,
                f"{file}/{name}",
                "is an empty directory, which git does not keep; make it an empty file",
            )
