"""The command line: finds the command, and turns every ending into one line and an exit code."""

import importlib
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from s6gen import __version__
from s6gen.errors import Exit, Fatal

COMMANDS = ("check", "config", "graph", "init", "presets", "render", "templates")
"""Each is a module of `s6gen.commands`, imported only when it is asked for."""


class Commands(click.Group):
    """The commands, each in a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """All names, for --help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"s6gen.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 success; 1 what was checked is not right; 100 wrong usage or "
    "configuration; 101 a bug of s6gen; 111 temporary failure. See s6gen(1).",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def s6gen() -> None:
    """Render s6-rc services that renew a TLS certificate; check and draw any s6-rc services."""


def run(args: list[str]) -> int:
    """Run the command that args name; the exit code. Messages go to stderr, one line each."""
    try:
        code = s6gen.main(args, prog_name="s6gen", standalone_mode=False)
        sys.stdout.flush()
    except Fatal as fatal:
        for message in fatal.messages:
            complain(message, fatal.code)
        return fatal.code
    except click.ClickException as usage:
        return complain(lowered(usage.format_message()), Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        return complain("interrupted", Exit.TEMPORARY)
    except BrokenPipeError:
        # The reader has what it wanted. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.TEMPORARY
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return complain(f"{where}{error.strerror or error}", Exit.TEMPORARY)
    except Exception as bug:
        import traceback

        place = traceback.extract_tb(bug.__traceback__)[-1]
        what = f"{type(bug).__name__}: {bug} (at {place.filename}:{place.lineno})"
        return complain(f"bug, please report: {what}", Exit.BUG)
    return code if isinstance(code, int) else Exit.OK


def lowered(sentence: str) -> str:
    """Click's sentence in the manner of s6's messages: lower case, no full stop, one line."""
    line = " ".join(sentence.split())
    return (line[:1].lower() + line[1:]).removesuffix(".")


def complain(message: str, code: Exit) -> Exit:
    """Say why the command ends."""
    line = message.replace("\n", "\\n")
    print(f"s6gen: fatal: {line}", file=sys.stderr)  # noqa: T201 (the edge)
    return code


def main() -> NoReturn:
    """The command `s6gen`."""
    # Python has no object for a stream that was closed by whoever called.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    code = run(sys.argv[1:])
    sys.stderr.flush()
    # All is written. Taking the interpreter apart would cost a tenth of the whole run.
    os._exit(code)
