#!/usr/bin/env python3
"""Print the lowest version of each library that a pyproject.toml allows, as pip's constraints.

tests/lowest.py pyproject.toml >constraints.txt
"""

import re
import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Read the file that is named, and print."""
    project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
    requirements = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        requirements += extra
    for requirement in sorted(set(requirements)):
        match = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
        if match:
            print(f"{match[1]}=={match[2]}")


if __name__ == "__main__":
    main()
