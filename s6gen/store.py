"""The output directory: reading what is there, and replacing it safely."""

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from s6gen import manifest
from s6gen.errors import Fatal, os_failure
from s6gen.manifest import Manifest
from s6gen.plan import Change, Foreign, Found, paths, plan, services
from s6gen.tree import File, Tree

STAGE = ".s6gen-"
KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}


def store(tree: Tree, output: Path, *, force: bool) -> list[Change]:
    """Make output hold tree, and say what became of each file.

    Everything is written beside its place and flushed before the first file is replaced, so that
    what can fail has failed by then. A kill leaves each file old or new, never half, and a record
    that lets the next rendering finish.
    """
    with locked(output):
        remove_stages(output)
        recorded = read_manifest(output)
        found = read(output, paths(tree, recorded))
        done = plan(tree, found, recorded, force=force)
        if is_kept(tree, recorded) and all(one.action == "unchanged" for one in done):
            return done
        with staged(tree, done, output) as stage:
            replace(tree, done, recorded, stage, output)
        return done


@contextlib.contextmanager
def locked(output: Path) -> Iterator[None]:
    """One rendering at a time: a lock on the output directory itself, which is made if missing."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(output, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileExistsError, NotADirectoryError):
        raise Fatal(f"--output: {output}: is not a directory") from None
    except OSError as error:
        raise Fatal(f"--output: {output}: {error.strerror}") from None
    try:
        if not os.access(output, os.W_OK | os.X_OK):
            raise Fatal(f"--output: {output}: is not writable")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_manifest(output: Path) -> Manifest:
    """What s6gen wrote into output so far."""
    found = read(output, [manifest.NAME]).get(manifest.NAME)
    if isinstance(found, Foreign):
        raise Fatal(f"{output / manifest.NAME}: is {found.kind}: remove it")
    return manifest.parse(found.content, str(output / manifest.NAME)) if found else {}


def read(output: Path, wanted: Iterable[str]) -> Found:
    """What stands at each path, links not followed. Raises Fatal where a parent is no directory."""
    found: dict[str, File | Foreign] = {}
    for path in wanted:
        for parent in reversed(Path(path).parents[:-1]):
            refuse_other_than_directory(output / parent)
        present = read_file(output / path)
        if present is not None:
            found[path] = present
    return found


def refuse_other_than_directory(path: Path) -> None:
    """Raise Fatal where a directory has to be and something else is."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise Fatal(f"{path}: must be a directory: remove what is there")


def read_file(path: Path) -> File | Foreign | None:
    """What stands at path, if anything does."""
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            return Foreign(KINDS.get(stat.S_IFMT(mode), "not a regular file"))
        return File(path.read_bytes(), stat.S_IMODE(mode))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise os_failure("read", str(path), error) from None


def is_kept(tree: Tree, recorded: Manifest) -> bool:
    """Whether the record already says just this of the tree's services."""
    return manifest.within(recorded, services(tree)) == manifest.describe(tree)


@contextlib.contextmanager
def staged(tree: Tree, done: list[Change], output: Path) -> Iterator[Path]:
    """A directory in output with the files that change, flushed to disk; gone afterwards."""
    try:
        stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=output))
        changed = [one.path for one in done if one.action in ("created", "updated")]
        for path in changed:
            write(stage / path, tree[path])
        for path in changed:
            flush(stage / path)
        yield stage
    except OSError as error:
        raise os_failure("write", str(error.filename or output), error) from None
    finally:
        remove_stages(output)


def remove_stages(output: Path) -> None:
    """Clear away what a rendering, this one or one that was killed, has staged."""
    for leftover in output.glob(f"{STAGE}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def write(path: Path, file: File) -> None:
    """Write a new file. The mode does not depend on the umask."""
    make_directories(path.parent)
    with path.open("xb") as stream:
        os.fchmod(stream.fileno(), file.mode)
        stream.write(file.content)


def make_directories(path: Path) -> None:
    """Make a directory and its parents, readable for all whatever the umask."""
    if not path.is_dir():
        make_directories(path.parent)
        path.mkdir()
        path.chmod(0o755)


def replace(tree: Tree, done: list[Change], recorded: Manifest, stage: Path, output: Path) -> None:
    """Put what is staged in its place. Nothing but SIGKILL or a power cut interrupts this."""
    others = {
        path: one for path, one in recorded.items() if path.split("/")[0] not in services(tree)
    }
    after = manifest.merged(others, manifest.describe(tree))
    both = manifest.merged(recorded, after)
    with uninterrupted():
        write_manifest(both, stage, output)
        for service in sorted(services(tree)):
            place_service(service, done, stage, output)
        if after != both:
            write_manifest(after, stage, output)
        flush(output)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that would end the process between two files."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write_manifest(content: Manifest, stage: Path, output: Path) -> None:
    """Replace the record."""
    write(stage / manifest.NAME, File(manifest.dump(content)))
    flush(stage / manifest.NAME)
    (stage / manifest.NAME).replace(output / manifest.NAME)


def place_service(service: str, done: list[Change], stage: Path, output: Path) -> None:
    """Put one service's staged files in their places: as a whole where it is new."""
    mine = [change for change in done if change.path.split("/")[0] == service]
    if not (output / service).exists():
        flush_directories(stage, mine)
        (stage / service).rename(output / service)
        return
    for change in in_order(mine):
        place(change, stage, output)
    flush_directories(output, mine)


def in_order(done: list[Change]) -> list[Change]:
    """What is new, then what changes, then what goes: no file names one that is not there."""
    order = ("created", "updated", "removed")
    return [change for action in order for change in done if change.action == action]


def place(change: Change, stage: Path, output: Path) -> None:
    """Replace or remove one file; a directory that this leaves empty goes with it."""
    target = output / change.path
    if change.action != "removed":
        make_directories(target.parent)
        (stage / change.path).replace(target)
        return
    target.unlink()
    with contextlib.suppress(OSError):
        target.parent.rmdir()


def flush_directories(top: Path, done: list[Change]) -> None:
    """Flush every directory in which an entry has changed."""
    changed = {(top / one.path).parent for one in done if one.action != "unchanged"}
    for directory in changed | {top / one.path.split("/")[0] for one in done}:
        flush(directory)


def flush(path: Path) -> None:
    """Flush a file, or a directory's entries, to disk, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
