"""Random source directories: mostly sound, with damage of every kind that a disk can hold."""

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

NAMES = ["a", "b", "c", "d", "e", "x y", os.fsdecode(b"p\xff"), "l"]
ODD = [
    "nosuch",
    "s6rc-x",
    "s6-rc-",
    "s6-r",
    " ",
    "a ",
    "#a",
    "a\0b",
    ".a",
    "pipe-a",
    "q/r",
]
NUMBERS = [
    b"",
    b"3\n\n",
    b" 3\n",
    b"x\n",
    b"4294967295\n",
    b"4294967296\n",
    b"3\0z",
    b"3\nx",
]
NUMBERS += [
    b"0" * 70,
    b"00000000003x",
    b"-1",
    b"3" + b"\n" * 70 + b"x",
    b":",
    b"3:",
    b"99999999999",
]
PIECES = [
    b"{",
    b"}",
    b" ",
    b"\n",
    b'"',
    b"\\",
    b"#",
    b"a",
    b"0",
    b"x ",
    b"{ ",
    b" }",
    b'"\\0x41"',
]
PIECES += [b"\0", "é".encode()]


class RandomTree:
    """Makes one or two random sources below a directory."""

    def __init__(self, random: Random, root: Path) -> None:
        self.random = random
        self.sources = [root / "one", root / "two"][: 1 + self.chance(0.2)]
        self.defined = random.sample(NAMES, random.randint(1, 6))
        self.types = {
            name: random.choice(["longrun"] * 2 + ["oneshot", "bundle"])
            for name in NAMES
        }
        self.consumer: dict[str, list[str]] = {}
        self.producers: dict[str, list[str]] = {}

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.random.random() < probability

    def make(self) -> Sequence[str]:
        """Make them; their names."""
        for source in self.sources:
            source.mkdir()
        longruns = [name for name in self.defined if self.types[name] == "longrun"]
        while len(longruns) > 1 and self.chance(0.4):
            producer, consumer = self.random.sample(longruns, 2)
            if self.chance(0.05) or producer not in self.consumer:
                self.consumer.setdefault(producer, []).append(consumer)
                self.producers.setdefault(consumer, []).append(producer)
        for name in self.defined:
            self.definition(self.random.choice(self.sources), name)
        for source in self.sources:
            if self.chance(0.04):
                self.put(
                    source / self.random.choice(["README", "s6rc-x", ".git", "z"]),
                    b"",
                    0.5,
                )
        return [source.name for source in self.sources]

    def definition(self, source: Path, name: str) -> None:
        """One service definition directory."""
        kind = self.types[name]
        shown = (
            self.random.choice(["s6rc-x", "n\nl", ".hid"])
            if self.chance(0.01)
            else name
        )
        path = source / shown
        if path.exists():
            return
        path.mkdir()
        spelt = f"{kind}\n"
        if self.chance(0.03):
            spelt = self.random.choice(
                [kind, f"{kind} \n", f"{kind}\nx", f"{kind}\0\n", "", kind[1:]]
            )
        if not self.chance(0.01):
            self.put(path / "type", spelt.encode(), 0.01)
        {"oneshot": self.oneshot, "longrun": self.longrun, "bundle": self.bundle}[kind](
            path, name
        )
        for file in ("timeout-up", "timeout-down"):
            self.maybe(0.06, path / file, self.number())
        for file in ("flag-essential", "flag-recommended", "junk"):
            self.maybe(0.06, path / file, b"")

    def oneshot(self, path: Path, name: str) -> None:
        """What a oneshot has."""
        self.listed(path, "dependencies", self.below(name))
        self.maybe(0.98, path / "up", self.script())
        self.maybe(0.3, path / "down", self.script())
        self.maybe(0.05, path / "reload", self.script())

    def longrun(self, path: Path, name: str) -> None:
        """What a longrun has; no FIFO where s6-rc-compile would wait for a writer."""
        self.listed(path, "dependencies", self.below(name))
        self.maybe(0.98, path / "run", b"#!/bin/sh\n", 0.01)
        if name in self.consumer or self.chance(0.02):
            self.put(
                path / "producer-for",
                self.lines(self.consumer.get(name, self.some())),
                0.01,
            )
        if name in self.producers or self.chance(0.02):
            self.put(
                path / "consumer-for",
                self.lines(self.producers.get(name, self.some())),
                0.01,
            )
        pipe = self.random.choice(
            [f"pipe-{name}", f"pipe-{name}\n", "", "x\ny\n", "a\n", "q/r\n"]
        )
        self.maybe(0.2, path / "pipeline-name", os.fsencode(pipe))
        for file in ("notification-fd", "lock-fd", "timeout-kill", "max-death-tally"):
            self.maybe(0.1, path / file, self.number(), fifo=False)
        for file in ("down-signal", "reload-signal", "finish"):
            self.maybe(0.06, path / file, b"x\n", 0.2, fifo=False)
        for file in ("flag-newpidns", "flag-timeout-killpg"):
            self.maybe(0.05, path / file, b"", 0.2)
        for file in ("data", "env", "template"):
            if self.chance(0.06):
                self.directory(path / file, ["x"], 0.2)

    def bundle(self, path: Path, name: str) -> None:
        """What a bundle has."""
        if not self.chance(0.02):
            self.listed(path, "contents", self.below(name), always=True)
        if self.chance(0.1):
            self.listed(path, "dependencies", self.some())

    def below(self, name: str) -> list[str]:
        """Names that make no cycle, mostly."""
        if self.chance(0.15):
            return self.some()
        earlier = self.defined[: self.defined.index(name)]
        return [one for one in earlier if self.chance(0.5)]

    def some(self) -> list[str]:
        """Any names."""
        pool = [*NAMES * 3, *ODD]
        return [
            self.random.choice(pool) for _ in range(self.random.choice([0, 1, 1, 2, 3]))
        ]

    def listed(
        self, path: Path, kind: str, names: list[str], *, always: bool = False
    ) -> None:
        """A list as a directory, a file, both or neither."""
        form = self.random.random() * (0.8 if always else 1)
        if form < 0.45:
            self.directory(path / f"{kind}.d", names, 0.02)
        if 0.4 < form < 0.8:
            self.put(path / kind, self.lines(names), 0.02)

    def lines(self, names: list[str]) -> bytes:
        """A list file."""
        text = b""
        for name in names:
            text += self.random.choice([b"", b"", b"", b" ", b"\t", b"\n", b"# x\n"])
            text += os.fsencode(name) + b"\n"
        return text[:-1] if self.chance(0.15) else text

    def script(self) -> bytes:
        """A command line."""
        if self.chance(0.8):
            return self.random.choice(
                [b"true\n", b'if { a { b } } "c d"\n', b"", b"#!/bin/sh\nx\n"]
            )
        return b"".join(self.random.choices(PIECES, k=self.random.randint(0, 9)))

    def number(self) -> bytes:
        """A number, mostly."""
        return self.random.choice(
            [b"3\n", b"4\n", b"5000\n", b"3"] if self.chance(0.75) else NUMBERS
        )

    def maybe(
        self,
        probability: float,
        path: Path,
        content: bytes,
        odd: float = 0.02,
        *,
        fifo: bool = True,
    ) -> None:
        """A file that may be there."""
        if self.chance(probability):
            self.put(path, content, odd, fifo=fifo)

    def put(self, path: Path, content: bytes, odd: float, *, fifo: bool = True) -> None:
        """A file, or something odd in its place."""
        if not self.chance(odd):
            path.write_bytes(content)
            return
        kind = self.random.choice(
            ["directory", "nothing", "itself", "null", "sibling", "fifo"]
        )
        links = {
            "nothing": "nowhere",
            "itself": path.name,
            "null": "/dev/null",
            "sibling": "type",
        }
        if kind in links:
            path.symlink_to(links[kind])
        elif kind == "fifo" and fifo:
            os.mkfifo(path)
        else:
            path.mkdir()

    def directory(self, path: Path, names: list[str], odd: float) -> None:
        """A directory with these names in it, of files or whatever else."""
        if self.chance(odd):
            self.put(path, b"", 0.9)
            return
        path.mkdir()
        for name in {name.partition("\0")[0].replace("/", "_") for name in names}:
            self.put(path / name, b"", 0.1)
