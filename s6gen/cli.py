"""The command line: it finds the command, and each ending becomes an exit code.

Messages go to stderr, one line each.
"""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from s6gen import __version__
from s6gen.errors import Exit, Fatal, TooLong
from s6gen.text import print_message

COMMANDS = ("check", "config", "graph", "init", "presets", "render", "templates")
"""Each is a module of `s6gen.commands`, imported only when it is asked for."""
SECONDS = 300
"""CPU time of a command. Ten thousand certificates, or services, take a tenth of it;
whatever a stranger wrote that has no limit of its own ends here."""
EXCESSES: Mapping[type[BaseException], str] = {
    TooLong: f"this takes more than {SECONDS} seconds of CPU time",
    RecursionError: "something is nested too deeply",
    MemoryError: "there is not enough memory for this",
    UnicodeEncodeError: "this locale has no such characters: set LC_ALL=C.UTF-8",
}
"""What is said of a command that takes too much, or that cannot name a file."""
MOST = 100
"""Messages that are printed: who has more mistakes corrects these first."""


class Commands(click.Group):
    """The commands, each in a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return all names, for --help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Return the command of that name, or None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"s6gen.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Render s6-rc services that renew a TLS certificate; "
    "check and draw any s6-rc services.",
    epilog="Exit codes: 0 success; 1 what was checked is not right; 100 wrong usage or "
    "configuration; 101 a bug of s6gen; 111 temporary failure. See s6gen(1).",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def s6gen() -> None:
    """Run before any of the commands: there is nothing to do."""


def run(args: list[str]) -> int:
    """Run the command that the arguments name, and return the exit code."""
    try:
        limit_time()
        code = s6gen.main(args, prog_name="s6gen", standalone_mode=False)
        sys.stdout.flush()
    except Fatal as fatal:
        for message in first_messages(fatal.messages):
            complain(message)
        return fatal.code
    except click.ClickException as error:
        complain(in_s6_style(error.format_message()))
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return Exit.TEMPORARY
    except BrokenPipeError:
        drop_stdout()
        return Exit.TEMPORARY
    except OSError as error:
        complain(message_of(error))
        return Exit.TEMPORARY
    except tuple(EXCESSES) as error:
        complain(EXCESSES[type(error)])
        return Exit.USAGE
    except Exception as bug:
        complain(f"bug, please report: {origin_of(bug)}")
        return Exit.BUG
    return code if isinstance(code, int) else Exit.OK


def limit_time() -> None:
    """Let the command end by TooLong when it has taken too much CPU time."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGPROF, raise_too_long)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)


def raise_too_long(_signal: int, _frame: object) -> NoReturn:
    """End the command: the handler of SIGPROF."""
    raise TooLong


def drop_stdout() -> None:
    """Lead stdout to /dev/null: its reader has what it wanted and is gone.

    Otherwise Python would complain once more when it flushes stdout at its exit.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def message_of(error: OSError) -> str:
    """Return the message of a failed system call, with its file if it is known."""
    message = error.strerror or str(error)
    return f"{error.filename}: {message}" if error.filename else message


def origin_of(bug: Exception) -> str:
    """Return what went wrong and where, for a report."""
    import traceback  # not for those who meet no bug: it takes a while to load

    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__}: {bug} (at {frame.filename}:{frame.lineno})"


def in_s6_style(sentence: str) -> str:
    """Return a sentence of click in the style of s6's messages.

    That is one line which begins in lower case and has no full stop.
    """
    line = " ".join(sentence.split())
    return (line[:1].lower() + line[1:]).removesuffix(".")


def first_messages(messages: Sequence[str]) -> Iterator[str]:
    """Yield messages, but of very many only the first, and how many more there are."""
    yield from messages[:MOST]
    if len(messages) > MOST:
        yield f"{len(messages) - MOST} more of such"


def complain(message: str) -> None:
    """Print on stderr why the command ends, in one line."""
    print_message("fatal", message)


def main() -> NoReturn:
    """Run the command `s6gen`, and end the process."""
    # Python has no object for a stream that was closed by whoever called.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (open until the end)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (open until the end)
    code = run(sys.argv[1:])
    sys.stderr.flush()
    # All is written. Taking the interpreter apart would cost a tenth of the whole run.
    os._exit(code)
