"""What a server serves: `s6gen-acme --serves`, and the script that does it by openssl."""

import contextlib
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from support.program import free_port, has_ipv6, require
from support.servers import mail, messages, starttls, storage, web
from support.serving import (
    FORMS,
    SCRIPT,
    Form,
    Handler,
    certificate,
    dripping,
    endless,
    programs,
    resetting,
    run,
    saying,
    self_signed,
    serving,
    silent,
    tls,
    with_wrong_key,
)
from support.supervision import supervised

from s6gen.acme_client.serving.starttls import PROTOCOLS

NAME = "www.example.org"
OLD, NEW = certificate(NAME, "example.org"), certificate(NAME, "example.org")
OTHER = certificate("mail.example.net")


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> Form:
    """The client, or the script."""
    if request.param != "client":
        require("openssl")
    return Form(request.param, tmp_path)


# Certificates


def test_the_new_certificate(form: Form, tmp_path: Path) -> None:
    with serving(tls(NEW.context(tmp_path))) as port:
        for address in (f"127.0.0.1:{port}", f"localhost:{port}"):
            assert form.looks(address, NEW.chain, name=NAME, timeout=20).code == 0
        seen = form.looks(f"127.0.0.1:{port}", b"junk\n" + NEW.chain * 100, timeout=20)
        assert seen.code == 0


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        pytest.param((NAME,), 1, "another certificate for these names", id="older"),
        pytest.param(("*.example.org",), 1, "for these names", id="wildcard"),
        pytest.param(("*.www.example.org",), 2, "for other names", id="too deep"),
        pytest.param(("example.com",), 2, "for other names", id="other"),
        pytest.param(("example.org",), 1, "for these names", id="shares a name"),
        pytest.param(("EXAMPLE.org",), 1, "for these names", id="upper case"),
        pytest.param(("127.0.0.1",), 2, "for other names", id="an address"),
        pytest.param(
            tuple(f"a{number}.example.net" for number in range(90)),
            2,
            "a0.example.net",
            id="many names",
        ),
        pytest.param(("a\x1b[2J\nb\u007f.org",), 2, "for other names", id="control"),
        pytest.param(("-h", "$(touch x)", "* *"), 2, "for other names", id="commands"),
    ],
)
def test_another_certificate(
    form: Form, tmp_path: Path, names: tuple[str, ...], code: int, words: str
) -> None:
    with serving(tls(certificate(*names).context(tmp_path))) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, name=NAME)
    assert (seen.code, words in seen.said) == (code, True), seen
    assert f"127.0.0.1:{port}: serves " in seen.said
    assert len(seen.said) < 1000


def test_a_new_wildcard_for_what_was_one_name(form: Form, tmp_path: Path) -> None:
    wildcard = certificate("*.example.org")
    with serving(tls(certificate("a.example.org").context(tmp_path))) as port:
        assert form.looks(f"127.0.0.1:{port}", wildcard.chain).code == 1


def test_the_name_may_be_an_address(form: Form, tmp_path: Path) -> None:
    with serving(tls(certificate("127.0.0.1").context(tmp_path))) as port:
        assert form.looks(f"127.0.0.1:{port}", NEW.chain).code == 1
        assert form.looks(f"localhost:{port}", NEW.chain, name="127.0.0.2").code == 2


def test_a_self_signed_certificate(form: Form, tmp_path: Path) -> None:
    """As Debian's ssl-cert makes one, for whatever name: the server has not found ours."""
    with serving(tls(self_signed("debian").context(tmp_path))) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, name=NAME)
    assert (seen.code, "self-signed certificate" in seen.said) == (1, True)


def test_old_and_new_in_turn(form: Form, tmp_path: Path) -> None:
    contexts = (NEW.context(tmp_path / "new"), OLD.context(tmp_path / "old"))
    for order in (contexts, contexts[::-1], (*contexts[:1] * 2, contexts[1])):
        with serving(tls(*order)) as port:
            assert form.looks(f"127.0.0.1:{port}", NEW.chain, timeout=8).code == 1


def test_the_new_one_after_a_while(form: Form, tmp_path: Path) -> None:
    old, new = OLD.context(tmp_path / "old"), NEW.context(tmp_path / "new")
    begin = time.monotonic()

    def handle(connection: socket.socket, number: int) -> None:
        tls(new if time.monotonic() > begin + 2 else old)(connection, number)

    with serving(handle) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, timeout=30)
    assert seen.code == 0, seen


def test_the_name_is_asked_for(form: Form, tmp_path: Path) -> None:
    new, other = NEW.context(tmp_path / "new"), OTHER.context(tmp_path / "other")
    asked = []

    def choose(secured: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        if name == NAME:
            secured.context = new

    other.sni_callback = choose
    with serving(tls(other)) as port:
        assert (
            form.looks(f"127.0.0.1:{port}", NEW.chain, name=NAME, timeout=20).code == 0
        )
        assert {*asked} == {NAME}
        asked.clear()
        assert form.looks(f"localhost:{port}", NEW.chain).code == 2
        assert {*asked} == {"localhost"}
        asked.clear()
        assert form.looks(f"127.0.0.1:{port}", NEW.chain).code == 2
        assert {*asked} == {None}


# Handshakes


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("demands", [False, True])
def test_versions(form: Form, tmp_path: Path, version: str, demands: bool) -> None:
    """Also where a certificate is demanded of the client, which has none."""
    context = NEW.context(tmp_path)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion[version]
    if demands:
        context.load_verify_locations(cadata=NEW.chain.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    with serving(tls(context)) as port:
        address = f"127.0.0.1:{port}"
        assert form.looks(address, NEW.chain, name=NAME, timeout=20).code == 0
        assert form.looks(address, OLD.chain, name=NAME).code == 1


def test_the_key_of_another_certificate(form: Form, tmp_path: Path) -> None:
    """As where a file was replaced and the other not yet."""
    with serving(with_wrong_key(NEW.context(tmp_path))) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain)
    assert (seen.code, "key" in seen.said) == (1, True), seen


HOSTILE: dict[str, Handler] = {
    "hangs": silent,
    "resets": resetting,
    "hangs up": saying(b""),
    "drips": dripping,
    "greets": saying(b"220 mail.example.org ESMTP \x1b[31m\r\n"),
    "greets for ever": endless(b"220-mail.example.org\r\n"),
    "one endless line": endless(b"2" * 1000),
    "zeros": endless(bytes(1000)),
    "alerts": endless(b"\x15\x03\x03\x00\x02\x01\x00"),
    "records": endless(b"\x16\x03\x03\x40\x00" + bytes(0x4000)),
    "a long message": endless(b"\x16\x03\x03\x00\x04\x0b\xff\xff\xff"),
    "empty records": endless(b"\x16\x03\x03\x00\x00"),
    "stanzas": endless(b"<stream:stream><a/>"),
    "ldap": saying(b"\x30\x84\xff\xff\xff\xff", b"\x30\x00"),
    "mysql": saying(b"\xff\xff\xff\x00\x0a"),
    "short": saying(b"\x01\x00\x00\x00\x0a", b"\x30\x03\x02\x01\x01"),
    "untagged": saying(b"* OK\r\n" + b"* CAPABILITY\r\n" * 20_000),
}


@pytest.mark.parametrize("starttls", ["", *PROTOCOLS])
@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("form", ["client", "openssl"], indirect=True)
def test_a_hostile_server(form: Form, what: str, starttls: str) -> None:
    """It ends in time with one line, whatever comes."""
    with serving(HOSTILE[what]) as port:
        begin = time.monotonic()
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, starttls, NAME, timeout=1)
        assert time.monotonic() - begin < 20
    assert seen.code == 111, seen
    assert f"127.0.0.1:{port}: " in seen.said
    assert len(seen.said) < 1000
    assert processes_with(f":{port}") == []


def processes_with(word: str) -> list[str]:
    """The command lines in which this is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in line:
                found.append(line)
    return found


NO_TLS: dict[str, Handler] = {
    "smtp": saying(b"220 x\r\n", b"250-x\r\n250 SIZE\r\n", b"502 no\r\n"),
    "imap": saying(b"* OK x\r\n", b"* BYE-BYE\r\ns BAD no\r\n. BAD no\r\n"),
    "pop3": saying(b"+OK x\r\n", b"-ERR no\r\n"),
    "ldap": saying(b"", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"),
    "xmpp": saying(
        b"", b"<stream:stream><stream:features><a/></stream:features>", b"<failure/>"
    ),
    "ftp": saying(b"220-x\r\n220 x\r\n", b"502 no\r\n"),
    "postgres": saying(b"", b"N"),
    "mysql": saying(
        b"\x4a\0\0\0\x0a5.5.5-x\0" + bytes(13) + b"\xff\xf7\x08\2\0" + bytes(60)
    ),
}


@pytest.mark.parametrize("starttls", NO_TLS)
def test_no_tls_is_offered(form: Form, starttls: str) -> None:
    with serving(NO_TLS[starttls]) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, starttls, NAME)
    assert (seen.code, f": {starttls}: " in seen.said) == (111, True), seen
    if form.kind == "client":
        assert ": offers no " in seen.said


# Addresses


def test_where_the_address_is_a_guess_nobody_is_waited_for(
    form: Form, tmp_path: Path
) -> None:
    """But for a server of ours."""
    begin = time.monotonic()
    seen = form.looks(f"127.0.0.1:{free_port()}", NEW.chain, "", NAME, 300, True)
    assert seen.code == 111, seen
    with serving(tls(OTHER.context(tmp_path / "other"))) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, "", NAME, 300, True)
        assert seen.code == 2, seen
    assert time.monotonic() - begin < 200
    with serving(tls(OLD.context(tmp_path / "old"))) as port:
        begin = time.monotonic()
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, "", NAME, 6, True)
        assert seen.code == 1, seen
        assert time.monotonic() - begin > 4
    with serving(tls(NEW.context(tmp_path / "new"))) as port:
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, "", NAME, 60, True)
        assert seen.code == 0, seen


def test_no_listener(form: Form) -> None:
    port = free_port()
    hosts = ("127.0.0.1", "localhost", *(["[::1]"] if has_ipv6() else []))
    for host in hosts:
        seen = form.looks(f"{host}:{port}", NEW.chain)
        assert (seen.code, "onnection refused" in seen.said) == (111, True), seen


def test_a_name_that_is_none(form: Form) -> None:
    seen = form.looks("no-such-name.invalid:443", NEW.chain)
    assert seen.code == 111, seen


@pytest.fixture
def both(form: Form) -> tuple[Form, str, int]:
    """A name with two addresses, and a port that is free at both."""
    if not has_ipv6():
        pytest.skip("no IPv6 here")
    hosts = "127.0.0.1 two.example\n::1 two.example\n"
    return form.with_hosts(hosts), "two.example", free_port("::1")


def test_one_address_of_two(both: tuple[Form, str, int], tmp_path: Path) -> None:
    """What refuses does not count where the other one accepts."""
    form, name, port = both
    for host in ("127.0.0.1", "::1"):
        with serving(tls(NEW.context(tmp_path)), host, port):
            seen = form.looks(f"{name}:{port}", NEW.chain, timeout=20)
            assert seen.code == 0, seen
            assert form.looks(f"{name}:{port}", OLD.chain).code == 1


def test_both_addresses_count(both: tuple[Form, str, int], tmp_path: Path) -> None:
    form, name, port = both
    new, old = NEW.context(tmp_path / "new"), OLD.context(tmp_path / "old")
    for hosts in (("127.0.0.1", "::1"), ("::1", "127.0.0.1")):
        with serving(tls(new), hosts[0], port), serving(tls(old), hosts[1], port):
            assert form.looks(f"{name}:{port}", NEW.chain).code == 1
        with serving(tls(new), hosts[0], port), serving(tls(new), hosts[1], port):
            assert form.looks(f"{name}:{port}", NEW.chain, timeout=20).code == 0
        with serving(tls(new), hosts[0], port), serving(silent, hosts[1], port):
            assert form.looks(f"{name}:{port}", NEW.chain).code == 1


@pytest.mark.parametrize("form", ["client", "openssl"], indirect=True)
def test_a_name_with_several_addresses_of_a_kind(form: Form, tmp_path: Path) -> None:
    """Without getent, as with busybox alone, openssl finds the first of each kind."""
    addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    new, old = NEW.context(tmp_path / "new"), OLD.context(tmp_path / "old")
    form = form.with_hosts("".join(f"{one} three.example\n" for one in addresses))
    port = free_port()
    with serving(tls(new), addresses[0], port), serving(tls(old), addresses[2], port):
        assert form.looks(f"three.example:{port}", NEW.chain).code == 1


def test_a_server_that_ends_while_it_is_looked_at(form: Form, tmp_path: Path) -> None:
    """It has served ours: that is no server of somebody else's."""
    with contextlib.ExitStack() as stack:
        port = free_port()

        def once(connection: socket.socket, number: int) -> None:
            tls(OLD.context(tmp_path))(connection, number)
            stack.close()

        stack.enter_context(serving(once, port=port))
        seen = form.looks(f"127.0.0.1:{port}", NEW.chain, name=NAME)
    assert seen.code == 1, seen


# Wrong usage


@pytest.mark.parametrize(
    "address",
    ["", "example.org", ":443", "::1:443x", "example.org:", "[::1]", "a:https"],
)
def test_no_address(form: Form, address: str) -> None:
    assert form.looks(address, NEW.chain).code == 100


@pytest.mark.parametrize(
    "chain", [b"", b"-----BEGIN CERTIFICATE-----\n", NEW.key, b"\0\xff" * 1000]
)
def test_no_chain(form: Form, chain: bytes) -> None:
    assert form.looks("127.0.0.1:443", chain).code == 100


def test_an_unknown_protocol(form: Form) -> None:
    assert form.looks("127.0.0.1:443", NEW.chain, "gopher").code == 100


def test_without_openssl(tmp_path: Path) -> None:
    path = {"PATH": str(programs(tmp_path / "programs"))}
    command = ["busybox", "sh", str(SCRIPT), "127.0.0.1:443", "", "", "1"]
    seen = run(command, NEW.chain, path)
    assert (seen.code, "openssl is needed" in seen.said) == (100, True)


# Real servers


@attrs.frozen
class Real:
    """A server, its protocol, and the programs that it needs."""

    configure: Callable[[Path, int], str]
    starttls: str
    programs: tuple[str, ...]


REAL = {
    "nginx": Real(web.nginx, "", ("nginx",)),
    "postfix": Real(mail.postfix, "smtp", ("postfix",)),
    "cyrus": Real(starttls.cyrus, "imap", ("cyrmaster",)),
    "dovecot": Real(starttls.dovecot, "pop3", ("/usr/lib/dovecot/pop3-login",)),
    "prosody": Real(messages.prosody, "xmpp", ("prosody",)),
    "postgresql": Real(storage.postgresql, "postgres", ("pg_createcluster",)),
    "mariadb": Real(starttls.mariadb, "mysql", ("mariadbd",)),
    "slapd": Real(starttls.slapd, "ldap", ("slapd",)),
    "vsftpd": Real(starttls.vsftpd, "ftp", ("vsftpd",)),
}


GROUPS = {
    "cyrus": "mail",
    "mariadb": "mysql",
    "postgresql": "postgres",
    "prosody": "prosody",
}
"""Whose key it is, where the server reads it as that group."""


@pytest.mark.parametrize("name", REAL)
def test_a_real_server(name: str, scratch: Path) -> None:
    """All programs say the same: it serves this one, and neither that nor another's."""
    real = REAL[name]
    require("s6-supervise", "s6-setuidgid", "openssl", *real.programs)
    served = certificate("example.org", "www.example.org")
    newer = certificate("example.org")
    directory, port = scratch / "server", free_port()
    directory.mkdir()
    _chain, key = served.stored(directory / "tls")
    both = directory / "tls/site.pem"
    both.write_bytes(served.key + served.chain)
    for path in (key, both):
        shutil.chown(path, "root", GROUPS.get(name, "root"))
        path.chmod(0o440)
    with supervised(directory, real.configure(directory, port)):
        address = f"127.0.0.1:{port}"
        for kind in FORMS:
            (scratch / kind).mkdir()
            form = Form(kind, scratch / kind)
            seen = form.looks(address, served.chain, real.starttls, "example.org", 60)
            log = (directory / "log").read_text(errors="replace")
            assert seen.code == 0, f"{seen}\n{log}"
            seen = form.looks(address, newer.chain, real.starttls, "example.org", 3)
            assert (seen.code, "for these names" in seen.said) == (1, True), seen
            if name != "prosody":  # it hangs up on a name that it does not know
                seen = form.looks(address, OTHER.chain, real.starttls, "example.net", 3)
                assert (seen.code, "for other names" in seen.said) == (2, True), seen
