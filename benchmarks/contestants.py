"""The ACME clients that are compared, and how each is told to do the same."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "s6gen/acme_client/__main__.py"
BARE = ROOT / "benchmarks/bare.py"
UACME_HOOK = Path("/usr/share/uacme/uacme.sh")


@attrs.frozen(kw_only=True)
class Task:
    """One certificate to be had: where, from whom, for which names."""

    directory: Path
    """The client's own; new for a first issuance."""
    web_root: Path
    url: str
    ca_file: Path
    names: tuple[str, ...]
    python: str

    @property
    def challenges(self) -> Path:
        """Where HTTP-01 answers are put."""
        return self.web_root / ".well-known/acme-challenge"


@attrs.frozen(kw_only=True)
class Job:
    """What to run: shell commands, in order; the environment beside the usual one."""

    first: tuple[tuple[str, ...], ...]
    again: tuple[str, ...]
    """A renewal, forced."""
    env: Mapping[str, str] = attrs.field(factory=dict)


def s6gen_acme(task: Task) -> Job:
    """Makes its keys and request itself."""
    keep = (
        *(task.python, "-I", str(CLIENT), "--out", str(task.directory / "chain.pem")),
        *("--account-key", str(task.directory / "account.key")),
        *("--domain-key", str(task.directory / "domain.key")),
        *("--acme-dir", str(task.challenges), "--quiet"),
        *("--directory-url", task.url, "--ca-bundle", str(task.ca_file)),
        *options("--domain", task.names),
    )
    return Job(first=(keep,), again=(*keep, "--force"))


def acme_tiny(task: Task) -> Job:
    """Its keys and request are made beforehand, and not counted."""
    account, key, csr = (
        task.directory / name for name in ("account.key", "key", "csr")
    )
    names = ",".join(f"DNS:{name}" for name in task.names)
    for command in (
        f"openssl genrsa -out {account} 2048",
        f"openssl ecparam -genkey -noout -name prime256v1 -out {key}",
        f"openssl req -new -key {key} -subj / -addext subjectAltName={names} -out {csr}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    issue = (
        *("acme-tiny", "--quiet", "--account-key", str(account), "--csr", str(csr)),
        *(
            "--acme-dir",
            str(task.challenges),
            "--directory-url",
            task.url,
            "--disable-check",
        ),
    )
    return Job(first=(issue,), again=issue, env={"SSL_CERT_FILE": str(task.ca_file)})


def certbot(task: Task) -> Job:
    """Its defaults: ECDSA since 2.0."""
    common = (
        *(
            "certbot",
            "certonly",
            "--webroot",
            "-w",
            str(task.web_root),
            "--quiet",
            "-n",
        ),
        *("--server", task.url, "--register-unsafely-without-email", "--agree-tos"),
        *(
            "--config-dir",
            str(task.directory),
            "--work-dir",
            str(task.directory / "work"),
        ),
        *("--logs-dir", str(task.directory / "logs"), "--cert-name", "benchmark"),
        *options("-d", task.names),
    )
    env = {"REQUESTS_CA_BUNDLE": str(task.ca_file)}
    return Job(first=(common,), again=(*common, "--force-renewal"), env=env)


def lego(task: Task) -> Job:
    """Its defaults: ECDSA."""
    common = (
        *("lego", "--path", str(task.directory), "--server", task.url, "--accept-tos"),
        *(
            "--email",
            "hostmaster@example.org",
            "--http",
            "--http.webroot",
            str(task.web_root),
        ),
        *options("--domains", task.names),
    )
    again = (*common, "renew", "--days", "1000", "--no-random-sleep")
    return Job(
        first=((*common, "run"),),
        again=again,
        env={"LEGO_CA_CERTIFICATES": str(task.ca_file)},
    )


def dehydrated(task: Task) -> Job:
    """A domain key on P-256 as the others have; its account key is RSA."""
    config = task.directory / "config"
    config.write_text(
        f"CA={task.url}\nBASEDIR={task.directory}\nWELLKNOWN={task.challenges}\n"
        f"KEY_ALGO=prime256v1\nCURL_OPTS='--cacert {task.ca_file}'\n"
    )
    common = ("dehydrated", "-f", str(config))
    issue = (*common, "-c", *options("-d", (" ".join(task.names),)))
    return Job(
        first=((*common, "--register", "--accept-terms"), issue), again=(*issue, "-x")
    )


def uacme(task: Task) -> Job:
    """Trusts the system's roots only: so ours are mounted over them, which needs root."""
    script = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'
    common = (
        *("unshare", "-m", "sh", "-c", script, str(task.ca_file)),
        *("uacme", "-a", task.url, "-c", str(task.directory), "-y", "-t", "EC"),
    )
    issue = ("-h", str(UACME_HOOK), "issue", *task.names)
    env = {"UACME_CHALLENGE_PATH": str(task.challenges)}
    return Job(
        first=((*common, "new"), (*common, *issue)),
        again=(*common, "-f", *issue),
        env=env,
    )


def bare(task: Task) -> Job:
    """The bare script, for the CPU time of the acme package."""
    command = (
        *(task.python, "-P", str(BARE), task.url, str(task.ca_file)),
        *(str(task.challenges), task.names[0]),
    )
    return Job(first=(command,), again=command)


CONTESTANTS = {
    "s6gen-acme": s6gen_acme,
    "acme-tiny": acme_tiny,
    "certbot": certbot,
    "lego": lego,
    "dehydrated": dehydrated,
    "uacme": uacme,
}


def options(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """An option once per value."""
    return tuple(word for value in values for word in (name, value))


def present(name: str) -> bool:
    """Whether a client is installed."""
    return name == "s6gen-acme" or bool(shutil.which(name))
