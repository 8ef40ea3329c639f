"""Keys and requests made as administrators make them."""

import subprocess
from pathlib import Path


def make_key(path: Path, kind: str) -> None:
    """A key as an administrator makes it."""
    if kind.startswith("rsa"):
        kind = f"genrsa -out {path} {kind[3:]}"
    else:
        curve = {"ec256": "prime256v1", "ec384": "secp384r1"}[kind]
        kind = f"ecparam -genkey -noout -name {curve} -out {path}"
    subprocess.run(["openssl", *kind.split()], check=True, capture_output=True)


def make_csr(path: Path, key: Path, common_name: str, names: list[str]) -> None:
    """A certificate signing request as an administrator makes it."""
    command = ["openssl", "req", "-new", "-key", str(key), "-out", str(path)]
    command += ["-subj", f"/CN={common_name}" if common_name else "/"]
    if names:
        command += [
            "-addext",
            "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        ]
    subprocess.run(command, check=True, capture_output=True)
