"""execline's grammar, both ways: how a value becomes one word, and what words a script holds."""

import os
import re
from typing import NamedTuple

from s6gen.errors import Fatal

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
"""What execlineb takes literally, and a reader takes in without quotes."""

ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        '"': r"\"",
        "\a": r"\a",
        "\b": r"\b",
        "\t": r"\t",
        "\n": r"\n",
        "\v": r"\v",
    }
    | {"\f": r"\f", "\r": r"\r"}
)


def word(value: str) -> str:
    """One word of an execlineb script that evaluates to value (execlineb: Syntax of scripts).

    Bytes that are not UTF-8 are carried as surrogates, as `os.fsdecode` does.
    """
    if "\0" in value:
        raise Fatal(f"a value contains a null character: {value!r}")
    if PLAIN.fullmatch(value):
        return value
    return f'"{value.translate(ESCAPES)}"'


class Word(NamedTuple):
    """An argument as execlineb passes it on: inside blocks, with a space for each level in front.

    The closing brace is an argument too: the spaces of the level it returns to.
    """

    value: str
    line: int
    plain: bool
    """Written without quotes and backslashes."""


class ScriptError(ValueError):
    """What makes execlineb refuse a script, the character at fault, and the line to look at."""

    def __init__(self, message: str, character: str, line: int) -> None:
        """With what is wrong in a few words; the line counts from 1."""
        super().__init__(message)
        self.message = message
        self.character = character
        self.line = line


BLANK = re.compile(rb"(?:[\x01-\x20]+|#[^\n]*)*")
SIMPLE_WORD = re.compile(rb'[^\x01-\x20"\\#{}][^\x01-\x20"\\]*(?=[\x01-\x20]|\Z)')
BRACE = re.compile(rb"[{}](?=[\x01-\x20]|\Z)")
BARE = re.compile(rb'[^\x01-\x20"\\]*')
QUOTED = re.compile(rb'[^"\\]*')
MAX_SIZE = 1 << 26
"""Bytes of all words: each level of blocks adds a byte to each word in it."""
QUOTING = re.compile(rb'["\\]')
NUMBER = re.compile(rb"0x([0-9A-Fa-f]{1,2})|0([0-7]{1,3})|([1-9][0-9]{0,2})")
NAMED = {ord(name): value for name, value in zip("abtnvfr", range(7, 14), strict=True)}


def lex(script: bytes) -> list[Word]:
    """The words of a script (execlineb: Syntax of scripts; el_parse.c is what both programs use).

    Raises ScriptError for what execlineb and s6-rc-compile refuse.
    """
    return Lexer(script).words()


class Lexer:
    """Reads one script, word by word."""

    def __init__(self, script: bytes) -> None:
        """Nothing is read yet."""
        # el_parse takes a null character for the end.
        self.text = script.partition(b"\0")[0]
        self.at = 0
        self.blocks: list[int] = []
        # `{\` at the end of a line leaves its brace to the next word.
        self.unfinished = b""
        self.found: list[Word] = []
        self.size = 0
        self.counted = (0, 1)

    def words(self) -> list[Word]:
        """All words, from the beginning to the end."""
        text = self.text
        while True:
            self.at = blank_end(text, self.at)
            if self.at == len(text):
                break
            start = self.at
            if simple := SIMPLE_WORD.match(text, start):
                self.at = simple.end()
                self.add(simple[0], start, plain=True)
            elif BRACE.match(text, start):
                self.brace(start)
            else:
                self.compound(start)
        if self.blocks:
            raise ScriptError("unmatched {", "{", self.line(self.blocks[-1]))
        return self.found

    def add(self, value: bytes, start: int, *, plain: bool) -> None:
        """A word is complete."""
        whole = self.unfinished + b" " * len(self.blocks) + value
        self.unfinished = b""
        self.size += len(whole)
        if self.size > MAX_SIZE:
            raise ScriptError("too many nested blocks", "{", self.line(start))
        self.found.append(Word(os.fsdecode(whole), self.line(start), plain))

    def brace(self, start: int) -> None:
        """A brace that is a word of its own opens or closes a block."""
        self.at += 1
        if self.text[start] == ord("}"):
            if not self.blocks:
                raise ScriptError("unmatched }", "}", self.line(start))
            self.blocks.pop()
            self.add(b"", start, plain=True)
        elif self.at == len(self.text):
            raise ScriptError("unmatched { at the end", "{", self.line(start))
        else:
            self.blocks.append(start)

    def compound(self, start: int) -> None:
        """A word with quotes, escapes or a leading brace in it."""
        value = bytearray()
        if self.text[start] in b"{}":
            value.append(self.text[start])
            self.at += 1
        if self.text.startswith(b"\\", self.at):
            follows = self.text[self.at + 1 : self.at + 2]
            self.at += 1 + len(follows)
            if follows in (b"", b"\n"):
                # Nothing, or a continued line: the word has not begun yet.
                if value:
                    self.unfinished += b" " * len(self.blocks) + value
                return
            # el_parse puts the level's spaces once more where it meets this backslash.
            value += (b" " * len(self.blocks) if value else b"") + follows
        self.rest_of_word(value, start)
        self.add(
            bytes(value), start, plain=not QUOTING.search(self.text, start, self.at)
        )

    def rest_of_word(self, value: bytearray, start: int) -> None:
        """What follows up to white space."""
        text = self.text
        while True:
            if bare := BARE.match(text, self.at):
                value += bare[0]
                self.at = bare.end()
            if self.at == len(text) or text[self.at] <= ord(" "):
                return
            self.at += 1
            if text[self.at - 1] == ord('"'):
                if self.quoted(value, start):
                    return
            elif self.at == len(text):
                raise ScriptError("backslash at the end", "\\", self.line(start))
            else:
                value.append(text[self.at])
                self.at += 1

    def quoted(self, value: bytearray, start: int) -> bool:
        """What stands between two quotes; whether the script ends in it, which a number may."""
        text = self.text
        while True:
            if run := QUOTED.match(text, self.at):
                value += run[0]
                self.at = run.end()
            if self.at == len(text):
                raise ScriptError("unmatched quote", '"', self.line(start))
            self.at += 1
            if text[self.at - 1] == ord('"'):
                return False
            if self.escape(value, start) and self.at == len(text):
                return True

    def escape(self, value: bytearray, start: int) -> bool:
        """What a backslash between quotes stands for; whether it is a number."""
        if self.at == len(self.text):
            raise ScriptError("unmatched quote", '"', self.line(start))
        char = self.text[self.at]
        if ord("0") <= char <= ord("9"):
            self.number(value)
            return True
        self.at += 1
        if char in NAMED:
            value.append(NAMED[char])
        elif char != ord("\n"):
            value.append(char)
        return False

    def number(self, value: bytearray) -> None:
        """A character by its code: hexadecimal after 0x, octal after 0, or decimal."""
        match = NUMBER.match(self.text, self.at)
        if not match:
            raise ScriptError("no digits after \\0", "\\", self.line(self.at))
        hexadecimal, octal, decimal = match.groups()
        code = int(
            hexadecimal or octal or decimal, 16 if hexadecimal else 8 if octal else 10
        )
        if not 0 < code < 256:
            message = f"no such character: \\{match[0].decode()}"
            raise ScriptError(message, "\\", self.line(self.at))
        value.append(code)
        self.at = match.end()

    def line(self, at: int) -> int:
        """The number of the line that holds the byte at this offset."""
        offset, line = self.counted
        if at < offset:
            return self.text.count(b"\n", 0, at) + 1
        line += self.text.count(b"\n", offset, at)
        self.counted = (at, line)
        return line


def blank_end(text: bytes, at: int) -> int:
    """Where white space and comments that begin here end."""
    match = BLANK.match(text, at)
    return match.end() if match else at
