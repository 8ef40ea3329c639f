"""An s6gen.toml with two certificates, for the tests that read or change one."""

from pathlib import Path

TWO = """\
[[certificate]]
page = "example"
domain = ["example.org", "www.example.org"]

[[certificate]]
page = "shop"
domain = "shop.example.org"
"""


def put(text: str, directory: Path) -> Path:
    """Write an s6gen.toml into a directory, which is returned."""
    (directory / "s6gen.toml").write_text(text)
    return directory


def run_script(directory: Path, page: str) -> str:
    """Return the run script that was rendered for a page."""
    return (directory / f"sv/renew-lets-encrypt-{page}-srv/run").read_text()
