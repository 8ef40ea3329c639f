"""The output directory: reading what is there, and replacing it safely.

All work is done relative to open directories, and no symbolic link below the output directory is
followed: whoever else may write there cannot lead a more powerful user astray.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from s6gen import manifest
from s6gen.errors import Exit, Fatal, os_failure
from s6gen.manifest import Manifest
from s6gen.plan import DIRECTORY, Change, Foreign, Found, paths, plan, services
from s6gen.tree import File, Tree

STAGE = ".s6gen-new"
"""Where files are written before they are put in their places."""
KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def store(tree: Tree, output: Path, *, force: bool) -> list[Change]:
    """Make output hold tree, and say what became of each file.

    Everything is written beside its place and flushed before the first file is replaced, so that
    what can fail has failed by then. A kill leaves each file old or new, never half, and a record
    that lets the next rendering finish.
    """
    with locked(output) as top:
        remove_stage(top)
        recorded = read_manifest(top, output)
        found = read(top, output, paths(tree, recorded))
        done = plan(tree, found, recorded, force=force)
        if is_kept(tree, recorded) and all(one.action == "unchanged" for one in done):
            return done
        refuse_unwritable(top, done)
        try:
            with staged(tree, done, top) as stage:
                replace(tree, done, recorded, stage, top)
        except OSError as error:
            raise os_failure("write to", str(output), error) from None
        return done


@contextlib.contextmanager
def locked(output: Path) -> Iterator[int]:
    """The open output directory, made if missing, locked: one rendering at a time."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        top = os.open(output, OPEN_DIRECTORY)
    except (FileExistsError, NotADirectoryError):
        raise Fatal(f"--output: {output}: is not a directory") from None
    except OSError as error:
        raise Fatal(f"--output: {output}: {error.strerror}") from None
    try:
        if not os.access(output, os.W_OK | os.X_OK):
            raise Fatal(f"--output: {output}: is not writable")
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield top
    except BlockingIOError:
        raise Fatal(f"{output}: another rendering is under way", Exit.TEMPORARY) from None
    finally:
        os.close(top)


@contextlib.contextmanager
def within(top: int, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open directory that holds path below top, no link followed, and path's last name.

    Directories that are missing are made if asked for, readable for all whatever the umask.
    """
    *parents, name = path.split("/")
    here = os.dup(top)
    try:
        for parent in parents:
            made = make and make_directory(here, parent)
            below = os.open(parent, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
            if made:
                os.fchmod(here, 0o755)
        yield here, name
    finally:
        os.close(here)


def make_directory(above: int, name: str) -> bool:
    """Make a directory; whether it was missing."""
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        return False
    return True


def read_manifest(top: int, output: Path) -> Manifest:
    """What s6gen wrote into output so far."""
    found = read(top, output, [manifest.NAME]).get(manifest.NAME)
    if isinstance(found, Foreign):
        raise Fatal(f"{output / manifest.NAME}: is {found.kind}: remove it")
    return manifest.parse(found.content, str(output / manifest.NAME)) if found else {}


def read(top: int, output: Path, wanted: Iterable[str]) -> Found:
    """What stands at each path. Raises Fatal where a parent is no directory."""
    found: dict[str, File | Foreign] = {}
    for path in wanted:
        try:
            with within(top, path) as (directory, name):
                found[path] = read_file(directory, name)
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            raise Fatal(f"{output / path}: lies in what is no directory: remove that") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Fatal(f"{output / path}: lies behind a symbolic link: remove it") from None
            raise os_failure("read", str(output / path), error) from None
    return found


def read_file(directory: int, name: str) -> File | Foreign:
    """What stands in a directory under a name."""
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        return Foreign(KINDS.get(stat.S_IFMT(mode), "not a regular file"))
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as stream:
        return File(stream.read(), stat.S_IMODE(mode))


def is_kept(tree: Tree, recorded: Manifest) -> bool:
    """Whether the record already says just this of the tree's services."""
    return manifest.within(recorded, services(tree)) == manifest.describe(tree)


def refuse_unwritable(top: int, done: list[Change]) -> None:
    """Raise Fatal for a directory in which a change could not be made."""
    for change in done:
        if change.action != "unchanged":
            with contextlib.suppress(FileNotFoundError), within(top, change.path) as (here, _):
                if not os.access(".", os.W_OK | os.X_OK, dir_fd=here):
                    raise Fatal(f"{change.path}: its directory is not writable")


@contextlib.contextmanager
def staged(tree: Tree, done: list[Change], top: int) -> Iterator[int]:
    """An open directory with the files that change, flushed to disk; it is gone afterwards."""
    os.mkdir(STAGE, 0o700, dir_fd=top)
    stage = os.open(STAGE, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        changed = [one.path for one in done if one.action in ("created", "updated")]
        for path in changed:
            write(stage, path, tree[path])
        for path in changed:
            if tree[path].content:
                flush(stage, path)
        yield stage
    finally:
        os.close(stage)
        remove_stage(top)


def remove_stage(top: int) -> None:
    """Clear away what a rendering, this one or one that was killed, has staged."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(STAGE, dir_fd=top)


def write(top: int, path: str, file: File) -> None:
    """Write a new file. The mode does not depend on the umask."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        within(top, path, make=True) as (directory, name),
        os.fdopen(os.open(name, flags, file.mode, dir_fd=directory), "wb") as stream,
    ):
        os.fchmod(stream.fileno(), file.mode)
        stream.write(file.content)


def replace(tree: Tree, done: list[Change], recorded: Manifest, stage: int, top: int) -> None:
    """Put what is staged in its place. Nothing but SIGKILL or a power cut interrupts this."""
    mine = services(tree)
    others = {path: one for path, one in recorded.items() if path.split("/")[0] not in mine}
    after = manifest.merged(others, manifest.describe(tree))
    both = manifest.merged(recorded, after)
    with uninterrupted():
        write_manifest(both, stage, top)
        for service in sorted(mine):
            changes = [change for change in done if change.path.split("/")[0] == service]
            place_service(service, changes, stage, top)
        if after != both:
            write_manifest(after, stage, top)
        os.fsync(top)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that would end the process between two files."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write_manifest(content: Manifest, stage: int, top: int) -> None:
    """Replace the record."""
    write(stage, manifest.NAME, File(manifest.dump(content)))
    flush(stage, manifest.NAME)
    os.replace(manifest.NAME, manifest.NAME, src_dir_fd=stage, dst_dir_fd=top)


def place_service(service: str, changes: list[Change], stage: int, top: int) -> None:
    """Put one service's staged files in their places: as a whole where it is new."""
    try:
        os.stat(service, dir_fd=top, follow_symlinks=False)
    except FileNotFoundError:
        flush_directories(service, changes, stage)
        os.rename(service, service, src_dir_fd=stage, dst_dir_fd=top)
        return
    for change in in_order(changes):
        place(change, stage, top)
    flush_directories(service, changes, top)


def in_order(done: list[Change]) -> list[Change]:
    """What is new, then what changes, then what goes: no file names one that is not there."""
    order = ("created", "updated", "removed")
    return [change for action in order for change in done if change.action == action]


def place(change: Change, stage: int, top: int) -> None:
    """Replace or remove one file; a directory that this leaves empty goes with it."""
    if change.action == "removed":
        remove(change.path, top)
        return
    with (
        within(stage, change.path) as (source, name),
        within(top, change.path, make=True) as (target, _),
    ):
        os.replace(name, name, src_dir_fd=source, dst_dir_fd=target)


def remove(path: str, top: int) -> None:
    """Remove a file, and the directory that this leaves empty."""
    with within(top, path) as (directory, name):
        os.unlink(name, dir_fd=directory)
    with contextlib.suppress(OSError), within(top, path.rpartition("/")[0]) as (above, name):
        os.rmdir(name, dir_fd=above)


def flush_directories(service: str, changes: list[Change], top: int) -> None:
    """Flush every directory in which an entry has changed."""
    changed = {one.path.rpartition("/")[0] for one in changes if one.action != "unchanged"}
    for directory in {*changed, service}:
        with contextlib.suppress(FileNotFoundError):
            flush(top, directory)


def flush(top: int, path: str) -> None:
    """Flush a file, or a directory's entries, to disk."""
    with within(top, path) as (directory, name):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
