"""Errors within one service definition directory."""

from collections.abc import Iterator

from s6gen.check.finding import Finding, file_finding
from s6gen.execline import ScriptError
from s6gen.sources.entries import (
    Broken,
    Definition,
    RegularFile,
    Special,
    is_addition,
)
from s6gen.sources.service import (
    TYPES,
    Service,
    content_of,
    exists,
    milliseconds,
    number,
    readable_content,
)


def directories_can_be_opened(service: Service, _file: str) -> Iterator[Finding]:
    """Every service definition directory can be opened (add_sources)."""
    definition = service.definition
    yield Finding(
        definition.path, f"cannot be opened: {definition.failure}; make it readable"
    )


def type_is_known(service: Service, file: str) -> Iterator[Finding]:
    """`type` holds oneshot, longrun or bundle.

    (s6-rc-compile: Source format; type_check)
    """
    if is_addition(service.definition):
        return
    content = content_of(service.definition, file)
    if content is None:
        yield file_finding(
            service,
            file,
            "missing; write oneshot, longrun or bundle into it, or move this away",
        )
    elif isinstance(content, Broken):
        yield unreadable(service, file, content)
    else:
        yield unknown_type(service, file, content)


def unknown_type(service: Service, file: str, content: bytes) -> Finding:
    """`type` holds something else than a type, perhaps almost one."""
    text = content[:40].decode(errors="replace")
    advice = "oneshot, longrun or bundle"
    if text.strip().lower() in TYPES:
        advice = text.strip().lower()
    return file_finding(
        service,
        file,
        f"{text!r} is no type; write {advice} and a newline, nothing else",
        1,
    )


def names_can_be_read(service: Service, file: str) -> Iterator[Finding]:
    """A list of names is a readable file, and not too large to check (add_namelist)."""
    if not exists(service.definition, f"{file}.d"):
        yield from file_can_be_read(service, file)


def folder_can_be_listed(service: Service, file: str) -> Iterator[Finding]:
    """A directory of names is a directory, and can be listed (add_namelistd)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken):
        yield file_finding(
            service, file, f"cannot be listed: {entry.reason}; {READABLE}"
        )
    elif isinstance(entry, RegularFile | Special):
        plain = file.removesuffix(".d")
        yield file_finding(
            service,
            file,
            "is not a directory; make it one that holds a file for each name, "
            f"or call it {plain}",
        )


def file_can_be_read(service: Service, file: str) -> Iterator[Finding]:
    """A file that s6-rc-compile reads to its end can be read to its end."""
    content = content_of(service.definition, file)
    if isinstance(content, Broken):
        yield unreadable(service, file, content)
    entry = service.definition.entries[file]
    # The rest was not read, so nothing can be said of it.
    if isinstance(entry, RegularFile) and entry.truncated:
        yield file_finding(
            service, file, "is larger than 1 MiB; what is meant to be there is small"
        )


READABLE = "replace it by a readable file or directory, or remove it"


def unreadable(service: Service, file: str, failure: Broken) -> Finding:
    """A file cannot be read."""
    return file_finding(service, file, f"cannot be read: {failure.reason}; {READABLE}")


def uncopyable(service: Service, file: str, failure: Broken) -> Finding:
    """A file or directory cannot be copied."""
    return file_finding(
        service, file, f"cannot be copied: {failure.reason}; {READABLE}"
    )


def scripts_are_lexed(service: Service, file: str) -> Iterator[Finding]:
    """Execline's lexer accepts up, down and (0.7) reload (read_script)."""
    yield from file_can_be_read(service, file)
    error = service.scripts.get(file)
    if isinstance(error, ScriptError):
        remedy = REMEDIES[error.character]
        yield file_finding(service, file, f"{error.message}; {remedy}", error.line)


REMEDIES = {
    "{": "close the block with a } that stands alone",
    "}": "remove it, or open a block with a { that stands alone",
    '"': 'close the quote, or write \\" for the character itself',
    "\\": "write one to 255 as \\65, \\0101 or \\0x41, or \\\\ for a backslash",
}
"""By the character at fault in a script: the cure."""


def timeouts_are_milliseconds(service: Service, file: str) -> Iterator[Finding]:
    """A timeout holds an integer (s6-rc-compile: For atomic services)."""
    content = content_of(service.definition, file)
    if isinstance(content, Broken):
        yield unreadable(service, file, content)
    elif content is not None and milliseconds(content) is None:
        yield not_a_number(service, file, content, "milliseconds")


def numbers_are_unsigned(service: Service, file: str) -> Iterator[Finding]:
    """The numbers for s6-supervise are decimal digits (s6rc_read_uint)."""
    content = content_of(service.definition, file, waits=True)
    if isinstance(content, Broken):
        yield unreadable(service, file, content)
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
    fault = "is empty"
    if text:
        fault = f"{text!r} is no number"
    return file_finding(
        service,
        file,
        f"{fault}; write {unit} in decimal digits, without sign or blanks",
        1,
    )


def flags_can_be_examined(service: Service, file: str) -> Iterator[Finding]:
    """s6-rc-compile can tell whether a flag file exists (read_flags, copy_empty)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken) and not entry.exists:
        yield file_finding(
            service, file, f"cannot be examined: {entry.reason}; make it an empty file"
        )


def run_is_a_regular_file(service: Service, file: str) -> Iterator[Finding]:
    """A longrun has a regular file run that can be read (add_longrun)."""
    entry = service.definition.entries.get(file)
    if isinstance(entry, Broken):
        yield unreadable(service, file, entry)
    elif not exists(service.definition, file):
        yield file_finding(service, file, "missing; a longrun needs a run script")
    elif not isinstance(entry, RegularFile):
        yield file_finding(
            service, file, "is not a regular file; a longrun needs a run script"
        )


def finish_can_be_copied(service: Service, file: str) -> Iterator[Finding]:
    """A finish script that can be read at all is a file (write_servicedirs)."""
    entry = service.definition.entries[file]
    content = content_of(service.definition, file, waits=True)
    if isinstance(content, Broken) and not isinstance(entry, Broken):
        yield uncopyable(service, file, content)


def descriptors_differ(service: Service, file: str) -> Iterator[Finding]:
    """lock-fd is not notification-fd, both being 3 or more (write_servicedirs)."""
    yield from numbers_are_unsigned(service, file)
    lock = number(readable_content(service.definition, "lock-fd"))
    notification = number(readable_content(service.definition, "notification-fd"))
    if lock is None or lock < 3:
        return
    if lock == notification:
        yield file_finding(
            service, file, f"{lock} is the notification-fd as well; choose another", 1
        )


def signals_do_not_wait(service: Service, file: str) -> Iterator[Finding]:
    """down-signal and reload-signal are no FIFOs: filecopy_unsafe waits for ever."""
    entry = service.definition.entries[file]
    if entry == Special("fifo"):
        yield file_finding(
            service,
            file,
            "is a fifo: s6-rc-compile would wait for ever; make it a file",
        )


def folders_are_folders(service: Service, file: str) -> Iterator[Finding]:
    """data, env and template are directories (dircopy)."""
    entry = service.definition.entries[file]
    if isinstance(entry, Broken):
        yield uncopyable(service, file, entry)
    elif isinstance(entry, RegularFile | Special):
        yield file_finding(
            service, file, "is not a directory; make it one, or give it another name"
        )


def producer_for_names_one(service: Service, file: str) -> Iterator[Finding]:
    """A producer has one consumer (s6-rc-compile: Longrun pipelining)."""
    yield from file_can_be_read(service, file)
    if not isinstance(content_of(service.definition, file), bytes):
        return
    count = len(service.consumers)
    if count == 0:
        yield file_finding(service, file, f"names no services; {ONE_CONSUMER}")
    elif count > 1:
        second = service.consumers[1]
        yield file_finding(
            service, file, f"names {count} services; {ONE_CONSUMER}", second.line
        )


ONE_CONSUMER = "a producer has exactly one consumer"


def pipeline_has_one_name(service: Service, file: str) -> Iterator[Finding]:
    """A last consumer's pipeline-name holds one name; others' can be examined."""
    if not service.is_last_consumer:
        # s6-rc-compile only tests for the file, to warn of it.
        yield from flags_can_be_examined(service, file)
        return
    yield from file_can_be_read(service, file)
    if not isinstance(content_of(service.definition, file), bytes):
        return
    count = len(service.pipeline_names)
    if count != 1:
        yield file_finding(
            service, file, f"holds {count or 'no'} names; write one, or remove it"
        )


def up_is_there(service: Service, file: str) -> Iterator[Finding]:
    """A oneshot has up (s6-rc-compile: For oneshots)."""
    if not is_there(service.definition, file):
        yield file_finding(
            service, file, "missing; a oneshot needs it, though it may be empty"
        )


def contents_are_there(service: Service, file: str) -> Iterator[Finding]:
    """A bundle has contents.d or contents (s6-rc-compile: For bundles)."""
    has_directory = is_there(service.definition, file)
    has_file = is_there(service.definition, "contents")
    if not has_directory and not has_file:
        yield file_finding(
            service,
            file,
            "missing; a bundle needs it (git keeps no empty directory: put a .gitkeep "
            "there)",
        )


def is_there(definition: Definition, file: str) -> bool:
    """Tell whether a file exists, or is something that other rules report."""
    return exists(definition, file) or isinstance(definition.entries.get(file), Broken)
