"""The verdict on random trees, against the s6-rc-compile that is on PATH."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from support.program import require
from support.random_tree import RandomTree

from s6gen.check.database import database
from s6gen.check.errors import errors
from s6gen.sources.read import read_source
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import REFERENCE, Version

VERSION = REFERENCE
"""The release on PATH, if it is not the reference: S6GEN_S6_RC=0.5.4.3."""
if "S6GEN_S6_RC" in os.environ:
    VERSION = tuple(int(part) for part in os.environ["S6GEN_S6_RC"].split("."))


def compiled(root: Path, sources: list[str]) -> bool:
    """Whether the real one takes these sources."""
    done = subprocess.run(
        ["s6-rc-compile", "-v0", "compiled", *sources],
        cwd=root,
        capture_output=True,
        check=False,
        timeout=20,
    )
    return done.returncode == 0


def asked(root: Path, *question: str) -> list[str]:
    """What s6-rc-db answers of the compiled database."""
    command = ["s6-rc-db", "-c", "compiled", *question]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    return sorted(os.fsdecode(done.stdout).splitlines())


def read(root: Path, sources: list[str], version: Version) -> ServiceSet:
    """The sources as s6gen reads them."""
    return service_set(
        [read_source(str(root / source)) for source in sources], (), version
    )


@settings(max_examples=int(os.environ.get("S6GEN_TREES", "200")), deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_agrees_with_the_real_one(random: Random) -> None:
    require("s6-rc-compile", "s6-rc-db")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sources = list(RandomTree(random, root).make())
        services = read(root, sources, VERSION)

        assert (not errors(services)) == compiled(root, sources)
        if (root / "compiled").exists():
            ours = database(services)
            shown = {
                "services": asked(root, "list", "services"),
                "bundles": asked(root, "list", "bundles"),
                "dependencies": {
                    one: asked(root, "dependencies", one) for one in ours["services"]
                },
                "contents": {
                    one: asked(root, "contents", one) for one in ours["bundles"]
                },
            }
            assert shown == {
                "services": sorted(ours["services"]),
                "bundles": sorted(ours["bundles"]),
                "dependencies": {
                    one: found["dependencies"]
                    for one, found in ours["services"].items()
                },
                "contents": ours["bundles"],
            }
        shutil.rmtree(root / "compiled", ignore_errors=True)
