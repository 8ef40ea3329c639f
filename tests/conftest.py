"""Where the acme package is missing, what needs it is left out, and pytest's first lines say so."""

import tempfile
from importlib.util import find_spec

import hypothesis
from hypothesis.configuration import set_hypothesis_home_dir

HAS_ACME = find_spec("acme") is not None

pytest_plugins = ["support.fixtures"] if HAS_ACME else []
collect_ignore_glob = [] if HAS_ACME else ["acme_client/*", "machine/*"]


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
