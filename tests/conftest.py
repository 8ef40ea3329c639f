"""Where the acme package is missing, what needs it is left out, and pytest's first lines say so."""

from importlib.util import find_spec

HAS_ACME = find_spec("acme") is not None

pytest_plugins = ["support.fixtures"] if HAS_ACME else []
collect_ignore_glob = [] if HAS_ACME else ["test_acme_*.py", "test_service.py", "test_support.py"]


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [] if HAS_ACME else ["left out, for the acme package is missing: the client's tests"]
