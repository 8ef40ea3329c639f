"""What every test stands on: marks by folder, a plain environment, the acme package or not."""

import os
import signal
import tempfile
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

TESTS = Path(__file__).parent
HAS_ACME = find_spec("acme") is not None
NEED_ACME = ["acme_client/*", "client_units/*", "machine/*"]
MARKS = {"acme_client": "ca", "machine": "machine"}
"""The folders that are not quick, and their marks."""
SLOWEST = (
    "machine/test_years.py::test_twenty_renewals",
    "machine/test_deploy.py::test_killed_at_any_moment",
    "test_packages.py::test_the_sdist_tests_the_wheel",
    "machine/test_power.py::test_a_deployment",
    "rendering/test_quoting.py::test_every_parameter_arrives",
    "configuration/test_repository.py::test_two_years_of_a_repository",
    "commands/test_check_command.py::test_a_directory_without_end_is_refused",
    "commands/test_check_command.py::test_a_warning_for_more_services_than_the_stack_holds",
)
"""Longest first: begun last, they would run alone at the end."""

NOHUP = "S6GEN_NOHUP"
"""For the workers: pytest runs under nohup(1)."""

pytest_plugins = ["support.fixtures"] if HAS_ACME else []
collect_ignore_glob = [] if HAS_ACME else NEED_ACME


def make_environment_plain() -> None:
    """Take out of the environment what changes the meaning of what the tests start.

    A proxy for the Internet is none for servers on this machine. Without __pycache__ each s6gen
    that is started would compile all its modules first.
    """
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def make_signals_plain() -> None:
    """Let no program that is started ignore what nohup(1), or a shell's &, makes pytest ignore.

    execve(2) passes on what is ignored, but not what has a handler.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        os.environ[NOHUP] = "yes"
        signal.signal(signal.SIGHUP, do_nothing)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if NOHUP in os.environ and "PYTEST_XDIST_WORKER" in os.environ:
        os.setsid()  # away from the terminal, for what is started does not ignore its end


def do_nothing(_number: int, _frame: object) -> None:
    """Handle a signal as if it was ignored."""


make_environment_plain()
make_signals_plain()

# No file of hypothesis' own in the checkout, and no verdict by the speed of a machine.
STORAGE = tempfile.TemporaryDirectory(prefix="s6gen-hypothesis-")
set_hypothesis_home_dir(STORAGE.name)
hypothesis.settings.register_profile("s6gen", database=None, deadline=None)
hypothesis.settings.load_profile("s6gen")


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return (
        []
        if HAS_ACME
        else ["left out, for the acme package is missing: the client's tests"]
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder, and put first what takes longest."""
    for item in items:
        mark = MARKS.get(item.path.relative_to(TESTS).parts[0])
        if mark:
            item.add_marker(mark)
    items.sort(key=turn)


def turn(item: pytest.Item) -> int:
    """The number of a test's turn: the slowest, then what waits for servers, then the rest."""
    path = item.path.relative_to(TESTS).as_posix()
    name = f"{path}::{getattr(item, 'originalname', item.name)}"
    if name in SLOWEST:
        return SLOWEST.index(name)
    is_waiting = item.get_closest_marker("machine") is not None
    return len(SLOWEST) + (0 if is_waiting else 1)
