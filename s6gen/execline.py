"""execline's grammar, both ways: values become words, and scripts become words."""

import os
import re
from typing import NamedTuple

from s6gen.errors import Fatal

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
"""Text that execlineb takes literally, and that a reader takes in without quotes."""

ESCAPES = str.maketrans(
    {
        "\\": r"\\",
        '"': r"\"",
        "\a": r"\a",
        "\b": r"\b",
        "\t": r"\t",
        "\n": r"\n",
        "\v": r"\v",
        "\f": r"\f",
        "\r": r"\r",
    }
)


def word(value: str) -> str:
    """Return one word of an execlineb script that evaluates to value.

    Bytes that are not UTF-8 are carried as surrogates, as `os.fsdecode` does. Raises
    Fatal for a null character (execlineb: Syntax of scripts).
    """
    if "\0" in value:
        raise Fatal(f"a value contains a null character: {value!r}")
    if PLAIN.fullmatch(value):
        return value
    return f'"{value.translate(ESCAPES)}"'


class Word(NamedTuple):
    """An argument as execlineb passes it on, with a space in front for each block.

    The closing brace is an argument too: the spaces of the level it returns to.
    """

    value: str
    line: int
    plain: bool
    """It is written without quotes and backslashes."""


class ScriptError(ValueError):
    """The reason why execlineb refuses a script."""

    def __init__(self, message: str, character: str, line: int) -> None:
        """The error in a few words, the character at fault, and its line from 1."""
        super().__init__(message)
        self.message = message
        self.character = character
        self.line = line


BLANK = re.compile(rb"(?:[\x01-\x20]+|#[^\n]*)*")
SIMPLE_WORD = re.compile(rb'[^\x01-\x20"\\#{}][^\x01-\x20"\\]*(?=[\x01-\x20]|\Z)')
BRACE = re.compile(rb"[{}](?=[\x01-\x20]|\Z)")
BARE = re.compile(rb'[^\x01-\x20"\\]*')
QUOTED = re.compile(rb'[^"\\]*')
MAX_SIZE = 1 << 23
"""Bytes of all words: each level of blocks adds a byte to each word in it."""
QUOTING = re.compile(rb'["\\]')
NUMBER = re.compile(rb"0x([0-9A-Fa-f]{1,2})|0([0-7]{1,3})|([1-9][0-9]{0,2})")
NAMED = {ord(name): value for name, value in zip("abtnvfr", range(7, 14), strict=True)}
"""The characters that a letter behind a backslash stands for, by their codes."""


def lex(script: bytes) -> list[Word]:
    """Return the words of a script.

    Raises ScriptError for a script that execlineb and s6-rc-compile refuse (execlineb:
    Syntax of scripts; el_parse.c is the lexer of both programs).
    """
    return Lexer(script).read_words()


class Lexer:
    """Reads one script, word by word."""

    def __init__(self, script: bytes) -> None:
        """Nothing is read yet."""
        # el_parse takes a null character for the end.
        self.text = script.partition(b"\0")[0]
        self.offset = 0
        self.blocks: list[int] = []
        """The offsets of the braces that are open."""
        # `{\` at the end of a line leaves its brace to the next word.
        self.unfinished = b""
        self.words: list[Word] = []
        self.size = 0
        """Bytes of all words."""
        self.counted = (0, 1)
        """An offset, and the number of its line."""

    def read_words(self) -> list[Word]:
        """Read all words, from the beginning to the end."""
        while self.skip_blanks():
            start = self.offset
            simple = SIMPLE_WORD.match(self.text, start)
            if simple:
                self.offset = simple.end()
                self.add_word(simple[0], start, plain=True)
            elif BRACE.match(self.text, start):
                self.read_brace(start)
            else:
                self.read_compound_word(start)
        if self.blocks:
            raise ScriptError("unmatched {", "{", self.line_of(self.blocks[-1]))
        return self.words

    def skip_blanks(self) -> bool:
        """Skip white space and comments; tell whether something follows."""
        blank = BLANK.match(self.text, self.offset)
        assert blank  # it matches nothing, too
        self.offset = blank.end()
        return self.offset < len(self.text)

    def add_word(self, value: bytes, start: int, *, plain: bool) -> None:
        """Add a word that is complete."""
        whole = self.unfinished + b" " * len(self.blocks) + value
        self.unfinished = b""
        self.size += len(whole)
        if self.size > MAX_SIZE:
            raise ScriptError("too many nested blocks", "{", self.line_of(start))
        self.words.append(Word(os.fsdecode(whole), self.line_of(start), plain))

    def read_brace(self, start: int) -> None:
        """Read a brace that is a word of its own: it opens or closes a block."""
        self.offset += 1
        if self.text[start] == ord("}"):
            if not self.blocks:
                raise ScriptError("unmatched }", "}", self.line_of(start))
            self.blocks.pop()
            self.add_word(b"", start, plain=True)
            return
        if self.offset == len(self.text):
            raise ScriptError("unmatched { at the end", "{", self.line_of(start))
        self.blocks.append(start)

    def read_compound_word(self, start: int) -> None:
        """Read a word with quotes, escapes or a leading brace in it."""
        value = bytearray()
        if self.text[start] in b"{}":
            value.append(self.text[start])
            self.offset += 1
        if self.text.startswith(b"\\", self.offset):
            begins = self.read_first_backslash(value)
            if not begins:
                return
        self.read_rest_of_word(value, start)
        quoting = QUOTING.search(self.text, start, self.offset)
        self.add_word(bytes(value), start, plain=not quoting)

    def read_first_backslash(self, value: bytearray) -> bool:
        """Read a backslash in front; tell whether the word begins with it.

        value holds the leading brace, or nothing.
        """
        after = self.offset + 1
        character = self.text[after : after + 1]
        self.offset = after + len(character)
        level = b" " * len(self.blocks)
        if character in (b"", b"\n"):
            # Nothing, or a continued line: the word has not begun yet.
            if value:
                self.unfinished += level + value
            return False
        if value:
            # el_parse puts the level's spaces once more where it meets this backslash.
            value += level
        value += character
        return True

    def read_rest_of_word(self, value: bytearray, start: int) -> None:
        """Read a word up to white space."""
        text = self.text
        while True:
            self.read_run(BARE, value)
            if self.offset == len(text) or text[self.offset] <= ord(" "):
                return
            character = text[self.offset]
            self.offset += 1
            if character == ord('"'):
                at_end = self.read_quoted(value, start)
                if at_end:
                    return
            elif self.offset == len(text):
                raise ScriptError("backslash at the end", "\\", self.line_of(start))
            else:
                value.append(text[self.offset])
                self.offset += 1

    def read_run(self, pattern: re.Pattern[bytes], value: bytearray) -> None:
        """Read the characters that a pattern matches here, if any, as they are."""
        run = pattern.match(self.text, self.offset)
        if run:
            value += run[0]
            self.offset = run.end()

    def read_quoted(self, value: bytearray, start: int) -> bool:
        """Read up to the closing quote.

        Tell whether the script ends before it, which is allowed after a number.
        """
        text = self.text
        while True:
            self.read_run(QUOTED, value)
            if self.offset == len(text):
                raise ScriptError("unmatched quote", '"', self.line_of(start))
            character = text[self.offset]
            self.offset += 1
            if character == ord('"'):
                return False
            is_number = self.read_escape(value, start)
            if is_number and self.offset == len(text):
                return True

    def read_escape(self, value: bytearray, start: int) -> bool:
        """Read the rest of an escape between quotes; tell whether it is a number."""
        if self.offset == len(self.text):
            raise ScriptError("unmatched quote", '"', self.line_of(start))
        character = self.text[self.offset]
        if ord("0") <= character <= ord("9"):
            self.read_number(value)
            return True
        self.offset += 1
        # A backslash at the end of a line continues the line.
        if character != ord("\n"):
            value.append(NAMED.get(character, character))
        return False

    def read_number(self, value: bytearray) -> None:
        """Read a character's code: hexadecimal after 0x, octal after 0, or decimal."""
        match = NUMBER.match(self.text, self.offset)
        if not match:
            raise ScriptError("no digits after \\0", "\\", self.line_of(self.offset))
        hexadecimal, octal, decimal = match.groups()
        if hexadecimal:
            code = int(hexadecimal, 16)
        elif octal:
            code = int(octal, 8)
        else:
            code = int(decimal)
        if not 0 < code < 256:
            message = f"no such character: \\{match[0].decode()}"
            raise ScriptError(message, "\\", self.line_of(self.offset))
        value.append(code)
        self.offset = match.end()

    def line_of(self, offset: int) -> int:
        """The number of the line that holds the byte at this offset."""
        counted, line = self.counted
        if offset < counted:
            return self.text.count(b"\n", 0, offset) + 1
        line += self.text.count(b"\n", counted, offset)
        self.counted = (offset, line)
        return line
