"""The command line: what is taken, and what is refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.client import run

from s6gen import __version__
from s6gen.acme_client.options import Options, parse

VERSION = "1"


def test_acme_tinys_options() -> None:
    line = "--account-key a --csr c --acme-dir d --disable-check --quiet --contact mailto:a mailto:b"
    more = ["--check-port", "8080", "--ca", "https://ca.example"]
    options = parse([*line.split(), *more], VERSION)
    given = (
        "account_key",
        "csr",
        "acme_dir",
        "quiet",
        "contact",
        "directory_url",
        "check_port",
    )
    assert [getattr(options, name) for name in given] == [
        *(
            "a",
            "c",
            "d",
            True,
            ("mailto:a", "mailto:b"),
            "https://ca.example/directory",
            "8080",
        )
    ]
    assert options.fetches_challenge


WORD = st.text(min_size=1).filter(lambda text: not {*text} & {"\0", "/"})


@given(WORD, WORD)
def test_any_value_is_taken_as_it_is(path: str, name: str) -> None:
    path = f"missing{path}"
    key, account = f"{path}.key", f"{path}.account"
    files = [f"--out={path}", f"--account-key={account}", f"--domain-key={key}"]
    options = parse([*files, f"--domain={name}"], VERSION)
    assert options == Options(
        out=path, account_key=account, domain_key=key, domain=(name,)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--account-key is needed (see --help)"),
        (
            "--account-key a",
            "--csr is needed, or --domain and --domain-key (see --help)",
        ),
        ("--account-key a --csr c --check", "--check needs --out (see --help)"),
        (
            "--account-key a --csr c --timeout 0",
            "--timeout must be positive (see --help)",
        ),
        (
            "--account-key a --csr c --timeout nan",
            "--timeout must be positive (see --help)",
        ),
        (
            "--account-key a --csr c --new-key",
            "--new-key needs --out and --domain-key (see --help)",
        ),
        (
            "--account-key a --csr c --eab-kid k",
            "--eab-kid needs --eab-key-file (see --help)",
        ),
        ("--account-key a --csr c --domain=", "--domain is empty (see --help)"),
        ("--revoke f", "--revoke needs a key (see --help)"),
        (
            "--account-key a --csr c --directory-url http://ca.example/",
            "--directory-url http://ca.example/: neither a known CA nor an https URL (see --help)",
        ),
        ("--status", "--status needs FILE or --out (see --help)"),
        ("--nonsense", "unrecognized arguments: --nonsense (see --help)"),
    ],
)
def test_wrong_usage_is_one_line(arguments: str, message: str) -> None:
    ended = run(*arguments.split())
    expected = (100, "", f"s6gen-acme: fatal: {message}\n")
    assert (ended.code, ended.out, ended.err) == expected


@pytest.mark.parametrize(
    ("more", "fetches"),
    [
        ((), True),
        (("--disable-check",), False),
        (("--out", "o"), False),
        (("--out", "o", "--check-port", "80"), True),
    ],
)
def test_a_challenge_is_fetched_without_out_or_if_a_port_is_named(
    more: tuple[str, ...], fetches: bool
) -> None:
    line = ["--account-key", "a", "--csr", "c", "--acme-dir", "d", *more]
    assert parse(line, VERSION).fetches_challenge is fetches


def test_the_relevant_options_have_the_names_that_older_states_have() -> None:
    line = ["--account-key", "a", "--csr", "c", "--out", "o", "--check-port", "80"]
    relevant = parse(
        [*line, "--quiet", "--contact", "mailto:a"], VERSION
    ).relevant_options()
    assert relevant == {
        "out": "o",
        "account_key": "a",
        "csr": "c",
        "key_type": "ec256",
        "directory_url": "https://acme-v02.api.letsencrypt.org/directory",
        "contact": ["mailto:a"],
        "check_port": "80",
        "self_check": True,
    }


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--ca-bundle", "/one", "--ca-bundle", "/two"], "--ca-bundle"),
        (["--ca-bundle=/one", "--ca-b=/two"], "--ca-bundle"),
        (["--timeout", "5", "--timeout", "6"], "--timeout"),
        (["--key-type", "ec256", "--key-type", "ec384"], "--key-type"),
        (["--status", "/one", "--status", "/two"], "--status"),
    ],
)
def test_that_a_value_is_dropped_is_said(more: list[str], named: str) -> None:
    warning = f"{named} was given more than once: the last one counts\n"
    ended = run(*more)
    assert ended.err.startswith(f"s6gen-acme: warning: {warning}")
    assert ended.err.count("more than once") == 1


def test_the_last_value_counts() -> None:
    line = "--account-key a --csr c --out one --out two --timeout 5 --timeout 6"
    options = parse(line.split(), VERSION)
    assert (options.out, options.timeout) == ("two", 6)


@pytest.mark.parametrize(
    "more",
    [
        ["--account-key", "a", "--account-key=a", "--timeout", "60", "--timeout=60.0"],
        ["--contact", "mailto:a@b.example", "--quiet", "--quiet"],
        ["--contact", "mailto:a@b.example", "--contact", "mailto:c@d.example"],
    ],
)
def test_what_drops_no_value_is_not_warned_of(
    more: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    parse(["--account-key", "a", "--csr", "c", *more], VERSION)
    assert capfd.readouterr().err == ""


def test_two_options_for_the_ca(capfd: pytest.CaptureFixture[str]) -> None:
    line = (
        "--account-key a --csr c --ca https://one.example --directory-url letsencrypt"
    )
    options = parse(line.split(), VERSION)
    assert options.directory_url == "https://one.example/directory"
    assert capfd.readouterr().err == (
        "s6gen-acme: warning: --ca and --directory-url were given: --ca counts\n"
    )


@pytest.mark.parametrize(("more", "asks"), [("", False), ("--key-type ec256", True)])
def test_a_kind_of_key_that_is_asked_for_is_told_from_the_default(
    more: str, asks: bool
) -> None:
    options = parse(f"--account-key a --csr c {more}".split(), VERSION)
    assert (options.asks_key_type, options.key_type) == (asks, "ec256")
    assert "asks_key_type" not in options.relevant_options()


def test_the_version_is_that_of_the_package() -> None:
    ended = run("--version")
    assert (ended.code, ended.out) == (0, f"s6gen-acme {__version__}\n")
