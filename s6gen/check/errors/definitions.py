"""What must hold in each service definition directory for s6-rc-compile to take it."""

from collections.abc import Callable, Iterator, Mapping

from s6gen.check.finding import Finding
from s6gen.execline import ScriptError
from s6gen.sources.entries import Broken, File, Folder, Special, is_addition
from s6gen.sources.service import (
    BUNDLE,
    LONGRUN,
    ONESHOT,
    TYPES,
    Service,
    exists,
    milliseconds,
    number,
    read,
)

Rule = Callable[[Service, str], Iterator[Finding]]
"""Looks at one file of a service."""


def at(service: Service, file: str, message: str, line: int = 0) -> Finding:
    """A finding in a file of a service definition directory."""
    return Finding(service.definition.place(file), message, line)


def directories_can_be_opened(service: Service, _file: str) -> Iterator[Finding]:
    """Every service definition directory can be opened (add_sources)."""
    if service.definition.failure:
        yield Finding(
            service.definition.path,
            f"cannot be opened: {service.definition.failure}; make it readable",
        )


def type_is_known(service: Service, file: str) -> Iterator[Finding]:
    """`type` holds oneshot, longrun or bundle (s6-rc-compile: Source format; type_check)."""
    if is_addition(service.definition) or service.definition.failure:
        return
    content = read(service.definition, file)
    if content is None:
        yield at(
            service,
            file,
            "missing; write oneshot, longrun or bundle into it, or move this away",
        )
    elif isinstance(content, Broken):
        yield at(service, file, f"cannot be read: {content.reason}; {READABLE}")
    elif not service.type:
        text = content[:40].decode(errors="replace")
        meant = text.strip().lower()
        what = meant if meant in TYPES else "oneshot, longrun or bundle"
        yield at(
            service,
            file,
            f"{text!r} is no type; write {what} and a newline, nothing else",
            1,
        )


def names_can_be_read(service: Service, file: str) -> Iterator[Finding]:
    """A list of names is a readable file (add_namelist), and of a size we can vouch for."""
    if not exists(service.definition, f"{file}.d"):
        yield from file_can_be_read(service, file)


def folder_can_be_listed(service: Service, file: str) -> Iterator[Finding]:
    """dependencies.d and contents.d are directories that can be listed (add_namelistd)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken):
        yield at(service, file, f"cannot be listed: {entry.reason}; {READABLE}")
    elif isinstance(entry, File | Special):
        plain = file.removesuffix(".d")
        yield at(
            service,
            file,
            f"is not a directory; make it one that holds a file for each name, or call it {plain}",
        )


def file_can_be_read(service: Service, file: str) -> Iterator[Finding]:
    """What s6-rc-compile reads to its end can be read to its end."""
    content = read(service.definition, file)
    if isinstance(content, Broken):
        yield at(service, file, f"cannot be read: {content.reason}; {READABLE}")
    entry = service.definition.entries[file]
    if isinstance(entry, File) and entry.cut:
        yield at(
            service, file, "is larger than 1 MiB; what is meant to be there is small"
        )


READABLE = "replace it by a readable file or directory, or remove it"


def scripts_are_lexed(service: Service, file: str) -> Iterator[Finding]:
    """up, down and (0.7) reload are what execline's lexer takes (read_script)."""
    yield from file_can_be_read(service, file)
    error = service.scripts.get(file)
    if isinstance(error, ScriptError):
        yield at(
            service, file, f"{error.message}; {REMEDIES[error.character]}", error.line
        )


REMEDIES = {
    "{": "close the block with a } that stands alone",
    "}": "remove it, or open a block with a { that stands alone",
    '"': 'close the quote, or write \\" for the character itself',
    "\\": "write one to 255 as \\65, \\0101 or \\0x41, or \\\\ for a backslash",
}


def timeouts_are_milliseconds(service: Service, file: str) -> Iterator[Finding]:
    """timeout-up and timeout-down hold an integer (s6-rc-compile: For atomic services)."""
    content = read(service.definition, file)
    if isinstance(content, Broken):
        yield at(service, file, f"cannot be read: {content.reason}; {READABLE}")
    elif content is not None and milliseconds(content) is None:
        yield not_a_number(service, file, content, "milliseconds")


def numbers_are_unsigned(service: Service, file: str) -> Iterator[Finding]:
    """What s6-supervise takes as a number is one (s6rc_read_uint)."""
    content = read(service.definition, file, waits=True)
    if isinstance(content, Broken):
        yield at(service, file, f"cannot be read: {content.reason}; {READABLE}")
    elif content is not None and number(content) is None:
        yield not_a_number(service, file, content, UNITS[file])


UNITS = {
    "notification-fd": "a file descriptor",
    "lock-fd": "a file descriptor",
    "timeout-kill": "milliseconds",
    "timeout-finish": "milliseconds",
    "max-death-tally": "a number of deaths",
}


def not_a_number(service: Service, file: str, content: bytes, unit: str) -> Finding:
    """A file holds something else than decimal digits."""
    text = content[:40].decode(errors="replace")
    held = f"{text!r} is no number" if text else "is empty"
    return at(
        service,
        file,
        f"{held}; write {unit} in decimal digits, without sign or blanks",
        1,
    )


def flags_can_be_examined(service: Service, file: str) -> Iterator[Finding]:
    """Whether a flag file exists can be told (read_flags, copy_empty)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken) and not entry.exists:
        yield at(
            service, file, f"cannot be examined: {entry.reason}; make it an empty file"
        )


def run_is_a_regular_file(service: Service, file: str) -> Iterator[Finding]:
    """A longrun has a regular file run that can be read (add_longrun)."""
    entry = service.definition.entries.get(file)
    if isinstance(entry, Broken):
        yield at(service, file, f"cannot be read: {entry.reason}; {READABLE}")
    elif not exists(service.definition, file):
        yield at(service, file, "missing; a longrun needs a run script")
    elif not isinstance(entry, File):
        yield at(service, file, "is not a regular file; a longrun needs a run script")


def finish_can_be_copied(service: Service, file: str) -> Iterator[Finding]:
    """finish, if it may be read at all, is a file (write_servicedirs)."""
    entry = service.definition.entries[file]
    content = read(service.definition, file, waits=True)
    if isinstance(content, Broken) and not isinstance(entry, Broken):
        yield at(service, file, f"cannot be copied: {content.reason}; {READABLE}")


def descriptors_differ(service: Service, file: str) -> Iterator[Finding]:
    """lock-fd is not notification-fd, both being 3 or more (write_servicedirs)."""
    yield from numbers_are_unsigned(service, file)
    lock, notification = (
        number(read(service.definition, name)) for name in DESCRIPTORS
    )
    if lock is not None and lock == notification and lock >= 3:
        yield at(
            service, file, f"{lock} is the notification-fd as well; choose another", 1
        )


DESCRIPTORS = ("lock-fd", "notification-fd")


def signals_do_not_wait(service: Service, file: str) -> Iterator[Finding]:
    """down-signal and reload-signal are no FIFOs, for which filecopy_unsafe waits for ever."""
    if service.definition.entries[file] == Special("fifo"):
        yield at(
            service,
            file,
            "is a fifo: s6-rc-compile would wait for ever; make it a file",
        )


def folders_are_folders(service: Service, file: str) -> Iterator[Finding]:
    """data, env and template are directories (dircopy)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken):
        yield at(service, file, f"cannot be copied: {entry.reason}; {READABLE}")
    elif exists(service.definition, file) and not isinstance(entry, Folder):
        yield at(
            service, file, "is not a directory; make it one, or give it another name"
        )


def producer_for_names_one(service: Service, file: str) -> Iterator[Finding]:
    """A producer has one consumer (s6-rc-compile: Longrun pipelining)."""
    yield from file_can_be_read(service, file)
    if (
        isinstance(read(service.definition, file), bytes)
        and len(service.consumers) != 1
    ):
        yield at(
            service,
            file,
            f"names {len(service.consumers) or 'no'} services; a producer has exactly one consumer",
            service.consumers[1].line if len(service.consumers) > 1 else 0,
        )


def pipeline_has_one_name(service: Service, file: str) -> Iterator[Finding]:
    """pipeline-name holds one name in a last consumer, and is only looked for in others."""
    if not service.is_last_consumer:
        yield from flags_can_be_examined(service, file)
        return
    yield from file_can_be_read(service, file)
    if (
        isinstance(read(service.definition, file), bytes)
        and len(service.pipeline_names) != 1
    ):
        count = len(service.pipeline_names) or "no"
        yield at(service, file, f"holds {count} names; write one, or remove it")


def up_is_there(service: Service, file: str) -> Iterator[Finding]:
    """A oneshot has up (s6-rc-compile: For oneshots)."""
    if not exists(service.definition, file) and not isinstance(
        service.definition.entries.get(file), Broken
    ):
        yield at(service, file, "missing; a oneshot needs it, though it may be empty")


def contents_are_there(service: Service, file: str) -> Iterator[Finding]:
    """A bundle has contents.d or contents (s6-rc-compile: For bundles)."""
    entries = service.definition.entries
    if not any(
        exists(service.definition, name) or isinstance(entries.get(name), Broken)
        for name in (file, "contents")
    ):
        yield at(
            service,
            file,
            "missing; a bundle needs it (git keeps no empty directory: put a .gitkeep there)",
        )


REQUIRED: Mapping[str, tuple[tuple[str, Rule], ...]] = {
    ONESHOT: (("up", up_is_there),),
    LONGRUN: (("run", run_is_a_regular_file),),
    BUNDLE: (("contents.d", contents_are_there),),
    "": (("type", type_is_known),),
}
"""By type, what is looked for whether or not it is there."""

_ATOMIC: Mapping[str, Rule] = {
    "dependencies": names_can_be_read,
    "dependencies.d": folder_can_be_listed,
    "timeout-up": timeouts_are_milliseconds,
    "timeout-down": timeouts_are_milliseconds,
    "flag-essential": flags_can_be_examined,
    "flag-recommended": flags_can_be_examined,
}

PRESENT: Mapping[str, Mapping[str, Rule]] = {
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
"""By type, what is checked where it is there."""
