"""What a power cut may leave on the disk, computed from the system calls of a real run.

The rules are harsher than those of any file system with a journal:

- A file's content, and its owner and mode, are certain once it was flushed (fsync). Until then the
  disk may have any that it has had since, or a content that is cut off.
- A directory's entries are certain once the directory was flushed. Until then the disk may have
  them as after any change since. Flushing a file says nothing of its name, nor of what is above.
- What one file or directory has lost says nothing of another.
"""

import os
import random
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from support.program import require

CALLS = (
    "/open,/creat,/write,/sendfile,/splice,/copy_file_range,/trunc,/fallocate,/sync,/rename,/link,"
    "/symlink,/mkdir,/rmdir,/mknod,/chmod,/chown,/chdir,/umask,/clone,/fork"
)
STRACE = (
    *(
        shutil.which("strace") or "strace",
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "10000000",
        "-e",
        "signal=none",
    ),
    *("-e", "status=successful", "-e", f"trace={CALLS}"),
)
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (\d+)")
WORD = re.compile(r'"[^"]*"|[^,"<{]*<[^>]*>|\{[^}]*\}|[^, ][^,]*')


@attrs.frozen
class Attributes:
    """Owner, group and mode."""

    owner: int
    group: int
    mode: int


@attrs.frozen
class File:
    """A file as it may be found after the cut."""

    content: bytes
    attributes: Attributes


@attrs.frozen
class Link:
    """A symbolic link to a name beside it, as it may be found after the cut."""

    target: str


State = Mapping[str, File | Link | Attributes]
"""A tree: path to file or link, or to a directory's attributes; "" is the root."""
Choose = Callable[[int], int]
"""Which of so many possibilities it is: the first is certain, the last as if there was no cut."""


@attrs.define(eq=False)
class Node:
    """A file with its contents, a directory with its entries, or a link: what the disk may have of it.

    A link is made as it is; its target is a name in the same directory.
    """

    attributes: list[Attributes]
    contents: list[bytes] = attrs.field(factory=list)
    entries: list[dict[str, "Node"]] = attrs.field(factory=list)
    target: str = ""

    def flush(self) -> None:
        """Now the newest is certain."""
        del self.attributes[:-1], self.contents[:-1], self.entries[:-1]

    def possible(self) -> list[bytes]:
        """Its contents; what is not certain may be cut off as well."""
        cut = [
            one[: len(one) * part // 3]
            for one in self.contents[1:]
            for part in (0, 1, 2)
        ]
        return list(dict.fromkeys([self.contents[0], *cut, *self.contents[1:]]))

    def enters(self, name: str, node: "Node | None") -> None:
        """An entry is made or removed."""
        others = {key: value for key, value in self.entries[-1].items() if key != name}
        self.entries.append(others | ({name: node} if node else {}))

    def holds(self, content: bytes) -> None:
        """A new content."""
        self.contents.append(content)

    def becomes(self, **changed: int) -> None:
        """Another owner, group or mode; -1 is no change."""
        known = {name: value for name, value in changed.items() if value != -1}
        self.attributes.append(attrs.evolve(self.attributes[-1], **known))


def standing(path: Path) -> Node:
    """What is there, all of it certain."""
    status = path.lstat()
    attributes = [
        Attributes(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    ]
    if stat.S_ISDIR(status.st_mode):
        return Node(
            attributes, entries=[{one.name: standing(one) for one in path.iterdir()}]
        )
    if path.is_symlink():
        return Node(attributes, contents=[b""], target=str(path.readlink()))
    return Node(attributes, contents=[path.read_bytes() if path.is_file() else b""])


def after(root: Node, choose: Choose) -> State:
    """The whole tree after such choices."""
    state: dict[str, File | Link | Attributes] = {}
    files: dict[int, File] = {}

    def visit(node: Node, path: str) -> None:
        if node.target:
            state[path] = Link(node.target)
            return
        attributes = node.attributes[choose(len(node.attributes))]
        if not node.entries:
            contents = node.possible()
            chosen = File(contents[choose(len(contents))], attributes)
            state[path] = files.setdefault(id(node), chosen)
            return
        state[path] = attributes
        for name, one in sorted(node.entries[choose(len(node.entries))].items()):
            visit(one, f"{path}/{name}".removeprefix("/"))

    visit(root, "")
    return state


def uncut(options: int) -> int:
    """No power cut."""
    return options - 1


def lost(_: int) -> int:
    """All that is uncertain is lost."""
    return 0


@attrs.frozen
class Sample:
    """Some of the disks that cuts may leave: all that is uncertain lost, and any part of it."""

    dice: random.Random = attrs.field(factory=lambda: random.Random(4))
    states: list[State] = attrs.field(factory=list)

    def add(self, root: Node) -> None:
        """Those of one moment."""
        for choose in (lost, self.dice.randrange, self.dice.randrange):
            if (state := after(root, choose)) not in self.states:
                self.states.append(state)

    def some(self, number: int) -> list[State]:
        """So many of them."""
        return self.dice.sample(self.states, min(number, len(self.states)))


def outcomes(root: Node, *paths: str) -> set[tuple[File | None, ...]]:
    """All that may be found at these paths together; None is nothing."""
    results: set[tuple[File | None, ...]] = set()
    untried: list[list[int]] = [[]]
    while untried:
        script = Script(untried.pop(), untried)
        results.add(tuple(script.file(root, path) for path in paths))
    return results


@attrs.frozen
class Script:
    """Choices made one after the other: those given, then the first; the others are to be tried."""

    given: list[int]
    untried: list[list[int]]
    made: dict[tuple[int, str], int] = attrs.field(factory=dict)

    def choose(self, node: Node, what: str) -> Any:
        """What the disk has of a node, the same each time."""
        options = node.possible() if what == "contents" else getattr(node, what)
        key = id(node), what
        if key not in self.made:
            if len(self.made) == len(self.given):
                self.untried.extend(
                    [*self.given, other] for other in range(1, len(options))
                )
                self.given.append(0)
            self.made[key] = self.given[len(self.made)]
        return options[self.made[key]]

    def file(self, node: Node, path: str) -> File | None:
        """What is found at a path."""
        for name in path.split("/"):
            entries = self.choose(node, "entries")
            if name not in entries:
                return None
            node = entries[name]
            if node.target and (node := entries.get(node.target)) is None:
                return None
        return File(self.choose(node, "contents"), self.choose(node, "attributes"))


def restore(state: State, root: Path) -> None:
    """Make the disk so."""
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, one in sorted(state.items()):
        path = root / name
        if isinstance(one, File):
            path.write_bytes(one.content)
        elif isinstance(one, Link):
            path.symlink_to(one.target)
            continue
        elif name:
            path.mkdir()
        attributes = one.attributes if isinstance(one, File) else one
        os.chown(path, attributes.owner, attributes.group)
        path.chmod(attributes.mode)


def cuts(root: Path, run: Callable[[tuple[str, ...]], object]) -> Iterator[Node]:
    """Run something on the directory root; what the disk may have at each moment of it.

    `run` gets the words to put before its command. What it makes below root, the user who runs
    the tests makes.
    """
    require("strace")
    if subprocess.run([*STRACE, "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("strace may not trace here")
    disk = Disk(root, standing(root))
    with tempfile.NamedTemporaryFile() as trace:
        run((*STRACE, "-o", trace.name))
        lines = map(LINE.match, Path(trace.name).read_text().splitlines())
        calls = [line.groups() for line in lines if line]
    mask = os.umask(0o022)
    os.umask(mask)
    disk.processes[calls[0][0]] = Process(Path(), mask)
    disk.parents = {
        child: parent
        for parent, call, _, child in calls
        if call.startswith(("clone", "fork", "v"))
    }
    for number, call, words, result in calls:
        if disk.happens(number, call, WORD.findall(words), int(result)):
            yield disk.top
    assert after(disk.top, uncut) == after(standing(root), uncut), (
        "the trace is not understood"
    )


@attrs.frozen
class Process:
    """What a child has from its parent, and on which paths and modes depend."""

    folder: Path
    umask: int


@attrs.define
class Disk:
    """The directory root, as a run changes it call by call."""

    root: Path
    top: Node
    processes: dict[str, Process] = attrs.field(factory=dict)
    parents: Mapping[str, str] = attrs.field(factory=dict)

    def process(self, number: str) -> Process:
        """A process begins as its parent is."""
        if number not in self.processes:
            self.processes[number] = self.process(self.parents[number])
        return self.processes[number]

    def node(self, path: Path) -> Node | None:
        """What is at an absolute path now; nothing outside of root."""
        if not path.is_relative_to(self.root):
            return None
        node: Node | None = self.top
        for name in path.relative_to(self.root).parts:
            node = node.entries[-1].get(name) if node and node.entries else None
        return node

    def happens(self, number: str, call: str, words: list[str], result: int) -> bool:
        """A system call; whether the disk may be another now."""
        self.note_folder(number, words)
        process = self.process(number)
        it = Call.of(process, call, words, result)
        match it.kind:
            case "chdir":
                self.processes[number] = attrs.evolve(process, folder=it.place)
                return False
            case "umask":
                self.processes[number] = attrs.evolve(process, umask=int(words[0], 8))
                return False
            case "open":
                return self.opens(it, process.umask)
            case "mkdir":
                mode = int(words[-1], 8) & ~process.umask
                return self.enters(it.place, Node([made(mode)], entries=[{}]))
            case "unlink" | "rmdir":
                return self.enters(it.place, None)
            case "rename":
                return self.renames(*it.paths)
            case "symlink":
                return self.enters(it.paths[-1], link_to(plain(words[0])))
            case "sendfile":
                return self.copies(words[1], words[0], result)
            case "copy_file_range":
                return self.copies(words[0], words[2], result)
        return self.changes(it)

    def note_folder(self, number: str, words: list[str]) -> None:
        """Learn the current directory, from the libraries that each program opens first."""
        for word in words:
            if word.startswith("AT_FDCWD"):
                here = attrs.evolve(self.process(number), folder=opened(word))
                self.processes[number] = here

    def opens(self, call: "Call", umask: int) -> bool:
        """A file is made, emptied, or neither."""
        node = self.node(call.place)
        flags = next(word for word in call.words if word.startswith("O_"))
        if node and "O_TRUNC" in flags:
            node.holds(b"")
            return True
        if node or "O_CREAT" not in flags:
            return False
        mode = int(call.words[-1], 8) & 0o7777 & ~umask
        return self.enters(call.place, Node([made(mode)], contents=[b""]))

    def copies(self, source: str, target: str, size: int) -> bool:
        """So many bytes go from one descriptor to another."""
        into, node = self.node(opened(target)), self.node(opened(source))
        if into and node and size:
            into.holds(into.contents[-1] + node.contents[-1][:size])
        return bool(into and size)

    def changes(self, call: "Call") -> bool:
        """A file or directory gets other contents or attributes, or is flushed."""
        node, words = self.node(call.place), call.words
        if not node or call.kind.startswith(("clone", "fork", "vfork", "readlink")):
            return False
        match call.kind:
            case "fsync" | "fdatasync":
                node.flush()
            case "write":
                node.holds(node.contents[-1] + plain(words[1])[: call.result])
            case "truncate":
                size = int(words[1])
                node.holds(node.contents[-1][:size].ljust(size, b"\0"))
            case "chmod":
                mode = next(word for word in words if word[0] == "0")
                node.becomes(mode=int(mode, 8))
            case "chown":
                numbers = [word for word in words if word.lstrip("-").isdigit()]
                node.becomes(owner=int(numbers[0]), group=int(numbers[1]))
            case _:
                raise NotImplementedError(call.kind)
        return True

    def enters(self, path: Path, node: Node | None) -> bool:
        """A name is made or removed."""
        above = self.node(path.parent)
        if above:
            above.enters(path.name, node)
        return above is not None

    def renames(self, old: Path, new: Path) -> bool:
        """One change where both names are in one directory, else two."""
        node, above, below = (
            self.node(old),
            self.node(old.parent),
            self.node(new.parent),
        )
        if not (node and above and below):
            return False
        if above is not below:
            below.enters(new.name, node)
            above.enters(old.name, None)
            return True
        others = {
            name: one for name, one in above.entries[-1].items() if name != old.name
        }
        above.entries.append(others | {new.name: node})
        return True


@attrs.frozen
class Call:
    """A system call that has succeeded."""

    kind: str
    """Its name, without what tells variants of one call apart: openat is open."""
    words: list[str]
    paths: list[Path]
    place: Path
    """The path that it is about: its first, else that of its first descriptor."""
    result: int

    @classmethod
    def of(cls, process: Process, name: str, words: list[str], result: int) -> "Call":
        """The call that strace has written so."""
        kind = re.sub(r"at2?$|^l(?=chown)|^f(?=ch|trunc)|64$", "", name)
        paths = [
            path_of(process, words, at)
            for at, word in enumerate(words)
            if word[0] == '"'
        ]
        place = Path()
        if paths and kind not in ("write", "pwrite"):
            place = paths[0]
        elif words:
            place = opened(words[0])
        return cls(kind, words, paths, place, result)


def made(mode: int) -> Attributes:
    """Those of what is new: it belongs to whoever runs the tests."""
    return Attributes(os.geteuid(), os.getegid(), mode)


def link_to(target: bytes) -> Node:
    """A symbolic link."""
    return Node([made(0o777)], contents=[b""], target=os.fsdecode(target))


def path_of(process: Process, words: list[str], at: int) -> Path:
    """The path of an argument: from the directory named before it, else the process's."""
    before = words[at - 1] if at else ""
    folder = opened(before) if "<" in before else process.folder
    return Path(os.path.normpath(folder / os.fsdecode(plain(words[at]))))


def opened(word: str) -> Path:
    """The file behind a descriptor."""
    return Path(os.fsdecode(unescaped(word.partition("<")[2].rpartition(">")[0])))


def plain(word: str) -> bytes:
    """The content of a string."""
    return unescaped(word.strip('"'))


def unescaped(text: str) -> bytes:
    """What strace -xx has written: every byte as hexadecimal digits."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else b""
