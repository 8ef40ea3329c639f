"""What is refused, with which words, and what is made of what is accepted."""

from typing import Any

import pytest

from s6gen.errors import Exit, Fatal
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt


def service(**parameters: Any) -> RenewLetsEncrypt:
    return RenewLetsEncrypt(
        **{"page": "example", "domains": ["example.org"]} | parameters
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"domains": []}, "--domain: give at least one", id="no domain"),
        pytest.param({"domains": [""]}, "--domain: '' is empty", id="empty domain"),
        pytest.param(
            {"domains": ["a..org"]},
            "--domain: 'a..org' has an empty label",
            id="empty label",
        ),
        pytest.param(
            {"domains": ["a" * 64 + ".org"]},
            f"--domain: '{'a' * 64}.org' has a label longer than 63 characters",
            id="long label",
        ),
        pytest.param(
            {"domains": [".".join(["a" * 50] * 5)]},
            f"--domain: '{'.'.join(['a' * 50] * 5)}' is longer than 253 characters",
            id="long domain",
        ),
        pytest.param(
            {"domains": ["http://example.org"]},
            "--domain: 'http://example.org' is not a name: give it without scheme and path",
            id="scheme",
        ),
        pytest.param(
            {"domains": ["example.org:443"]},
            "--domain: 'example.org:443' is not a name: give it without port",
            id="port",
        ),
        pytest.param(
            {"domains": ["*.example.org"]},
            "--domain: '*.example.org' is a wildcard, which HTTP-01 cannot prove: name each host",
            id="wildcard",
        ),
        pytest.param(
            {"domains": ["192.0.2.1"]},
            "--domain: '192.0.2.1' is an address: give a name",
            id="IPv4 address",
        ),
        pytest.param(
            {"domains": ["2001:db8::1"]},
            "--domain: '2001:db8::1' is an address: give a name",
            id="IPv6 address",
        ),
        pytest.param(
            {"domains": ["example.org."]},
            "--domain: 'example.org.' must not end in '.'",
            id="final dot",
        ),
        pytest.param(
            {"domains": ["a_b.org"]},
            "--domain: 'a_b.org' has a label that is not of letters, digits and inner hyphens: "
            "'a_b'",
            id="underscore",
        ),
        pytest.param(
            {"domains": ["Example.org", "example.ORG"]},
            "--domain: given twice: 'example.org'",
            id="twice but for case",
        ),
        pytest.param(
            {"domains": ["localhost"]},
            "--domain: 'localhost' is not a public name: letsencrypt refuses it",
            id="a private name for a public CA",
        ),
        pytest.param(
            {"page": "a/b"},
            "--page: must be one name in the web root, without '/', not beginning with '.': 'a/b'",
            id="page with slash",
        ),
        pytest.param(
            {"page": ".."},
            "--page: must be one name in the web root, without '/', not beginning with '.': '..'",
            id="page above",
        ),
        pytest.param(
            {"page": ".git"},
            "--page: must be one name in the web root, without '/', not beginning with '.': '.git'",
            id="hidden page",
        ),
        pytest.param(
            {"web_root": "www"},
            "--web-root: must be an absolute path without '..': 'www'",
            id="relative web root",
        ),
        pytest.param(
            {"certificate_dir": "/etc/ssl/../tls"},
            "--certificate-dir: must be an absolute path without '..': '/etc/ssl/../tls'",
            id="a way back up",
        ),
        pytest.param(
            {"certificate_dir": "//"},
            "--certificate-dir: must be an absolute path without '..': '/'",
            id="the root",
        ),
        pytest.param(
            {"log_dir": "log"},
            "--log-dir: must be an absolute path without '..': 'log'",
            id="relative log directory",
        ),
        pytest.param(
            {"log_dir": "/etc/ssl/letsencrypt/log/"},
            "--log-dir: '/etc/ssl/letsencrypt/log' and --certificate-dir, '/etc/ssl/letsencrypt': "
            "one lies in the other",
            id="logs among keys",
        ),
        pytest.param(
            {"certificate_dir": "/home/www/example/tls"},
            "--certificate-dir: '/home/www/example/tls' and --page, '/home/www/example': "
            "one lies in the other",
            id="keys in the site",
        ),
        pytest.param(
            {"web_root": "/etc/ssl", "page": "letsencrypt"},
            "--certificate-dir: '/etc/ssl/letsencrypt' and --page, '/etc/ssl/letsencrypt': "
            "one lies in the other",
            id="a site of keys",
        ),
        pytest.param(
            {"page": "p" * 256},
            "--page: must be one name in the web root, without '/', not beginning with '.': "
            f"'{'p' * 256}'",
            id="page that no file system takes",
        ),
        pytest.param(
            {"domains": ["*.bücher.example"]},
            "--domain: '*.bücher.example' is a wildcard, which HTTP-01 cannot prove: "
            "name each host",
            id="wildcard in Unicode",
        ),
        pytest.param(
            {"raw_snooze": "-H 6,24"},
            "--snooze: -H: goes up to 23: '6,24'",
            id="hour 24",
        ),
        pytest.param(
            {"client": "-x y"},
            "--client: must be bundled, installed, acme-tiny or a command line: '-x y'",
            id="client that snooze takes for an option",
        ),
        pytest.param(
            {"ca": "https://ca.example:99999/"},
            "--ca: must be letsencrypt, letsencrypt-staging or an https URL: "
            "'https://ca.example:99999/'",
            id="CA on an impossible port",
        ),
        pytest.param(
            {"web_root": "/a\0b"},
            r"--web-root: contains a null character: '/a\x00b'",
            id="null character",
        ),
        pytest.param(
            {"service": "s6rc-renew"},
            "--service: must be at most 200 letters, digits and _ - . @, "
            "not beginning with - . @ s6rc- or "
            "s6-rc-: 's6rc-renew'",
            id="reserved service name",
        ),
        pytest.param(
            {"depends_on": ["renew-lets-encrypt-srv"]},
            "--depends-on: a service cannot depend on itself: 'renew-lets-encrypt-srv'",
            id="a service that depends on itself",
        ),
        pytest.param(
            {"service": "renew", "log_service": "renew"},
            "--log-service: must differ from --service: 'renew'",
            id="one name for both",
        ),
        pytest.param(
            {"user": "tls:tls"},
            "--user: must be the name of an account: 'tls:tls'",
            id="user with group",
        ),
        pytest.param(
            {"execlineb": "/opt/my tools/execlineb"},
            "--execlineb: must be an absolute path without white space, of at most 100 bytes: "
            "'/opt/my tools/execlineb'",
            id="an interpreter that no kernel takes",
        ),
        pytest.param(
            {"ca": "http://ca.example/directory"},
            "--ca: must be letsencrypt, letsencrypt-staging or an https URL: "
            "'http://ca.example/directory'",
            id="CA without TLS",
        ),
        pytest.param(
            {"contacts": ["hostmaster"]},
            "--contact: must be an address or a URL such as mailto:hostmaster@example.org: "
            "'hostmaster'",
            id="contact that is none",
        ),
        pytest.param(
            {"client": "lego 'run"},
            '--client: No closing quotation: "lego \'run"',
            id="client with an open quote",
        ),
        pytest.param(
            {"client": "installed --profile shortlived"},
            "--client: 'installed' stands alone: s6gen render has no --profile; "
            "a client with options is a whole command line, such as 's6gen-acme --out FILE ...'",
            id="an option that render does not have",
        ),
        pytest.param(
            {"client": "bundled --key-type=rsa2048 --contact a@example.org"},
            "--client: 'bundled' stands alone: s6gen render has no --key-type; "
            "a client with options is a whole command line, such as 's6gen-acme --out FILE ...'",
            id="an option with its value in one word",
        ),
        pytest.param(
            {"client": "bundled -v --contact a@example.org"},
            "--client: 'bundled' stands alone: for --contact, "
            "give --contact to s6gen render, or contact to s6gen.toml",
            id="an option that render has too",
        ),
        pytest.param(
            {"client": "installed --directory-url=https://ca.example/dir"},
            "--client: 'installed' stands alone: for --directory-url, "
            "give --ca to s6gen render, or ca to s6gen.toml",
            id="an option that is called otherwise",
        ),
        pytest.param(
            {"client": "acme-tiny --disable-check"},
            "--client: 'acme-tiny' stands alone: s6gen render has no --disable-check; "
            "a client with options is a whole command line, such as 's6gen-acme --out FILE ...'",
            id="an option of acme-tiny",
        ),
        pytest.param(
            {"client": "bundled now"},
            "--client: 'bundled' stands alone: 'bundled now'",
            id="a word after a client",
        ),
        pytest.param(
            {"client": "installed "},
            "--client: 'installed' stands alone: 'installed '",
            id="a blank after a client",
        ),
        pytest.param(
            {"client": " "},
            "--client: must be bundled, installed, acme-tiny or a command line: ' '",
            id="client that is nothing",
        ),
        pytest.param(
            {"raw_snooze": "-x 1"},
            "--snooze: option -x not recognized",
            id="snooze has no -x",
        ),
        pytest.param(
            {"raw_snooze": "-d 1 run"},
            "--snooze: not an option of snooze: 'run'",
            id="a command for snooze",
        ),
        pytest.param(
            {"raw_snooze": "-d monday"},
            "--snooze: -d: must be digits and * / , -: 'monday'",
            id="a day that is no number",
        ),
        pytest.param(
            {"raw_snooze": "-n"},
            "--snooze: -n only prints times: leave it out",
            id="snooze that would not wait",
        ),
        pytest.param(
            {"log_size": 1},
            "--log-size: must be from 4096 to 268435455: 1",
            id="log size",
        ),
    ],
)
def test_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(Fatal) as refusal:
        service(**parameters)

    assert (message, Exit.USAGE) == (str(refusal.value), refusal.value.code)


@pytest.mark.parametrize(
    "client", ["s6gen-acme --out x --profile y", "/usr/bin/acme-tiny --quiet"]
)
def test_a_command_line_may_call_the_same_programs(client: str) -> None:
    assert service(client=client).client_kind == "command"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("Example.ORG", "example.org", id="lower case"),
        pytest.param("bücher.example", "xn--bcher-kva.example", id="IDN"),
        pytest.param(
            "straße.example", "xn--strae-oqa.example", id="IDNA 2008, not 2003"
        ),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="ASCII form"),
    ],
)
def test_domain_becomes_what_the_certificate_has(given: str, expected: str) -> None:
    assert (expected,) == service(domains=[given]).domains


def test_idn_that_is_none() -> None:
    with pytest.raises(
        Fatal, match=r"^--domain: 'a b\.bücher' is not an internationalised name: "
    ):
        service(domains=["a b.bücher"])


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param(
            {}, ("renew-lets-encrypt-log", "renew-lets-encrypt"), id="default"
        ),
        pytest.param({"service": "tls-srv"}, ("tls-log", "tls"), id="Artix' manner"),
        pytest.param(
            {"service": "tls"}, ("tls-log", "tls-pipeline"), id="skarnet's manner"
        ),
        pytest.param(
            {"service": "tls-srv", "log_service": "tls"},
            ("tls", "tls-pipeline"),
            id="a logger that has the name already",
        ),
    ],
)
def test_names_follow_from_the_service(
    parameters: dict[str, str], expected: tuple[str, str]
) -> None:
    made = service(**parameters)

    assert expected == (made.log_service, made.pipeline)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param(
            {}, "s6gen render --page example --domain example.org", id="defaults"
        ),
        pytest.param(
            {"log_user": "log", "page": "a b", "web_root": "/home/www/"},
            "s6gen render --page 'a b' --domain example.org --log-user log",
            id="only what differs, in one order",
        ),
        pytest.param(
            {"page": "a\nb'\\"},
            r"s6gen render --page $'a\012b\047\134' --domain example.org",
            id="always one line",
        ),
    ],
)
def test_command_line(parameters: dict[str, str], expected: str) -> None:
    assert expected == service(**parameters).command_line


def test_schedule_is_spread_and_stays() -> None:
    """Minute and second follow from page and names (their SHA-256 begins bf 05 01)."""
    timefile = ("-t", "/etc/ssl/letsencrypt/timefile")

    assert service().snooze == ("-H", "*", "-M", "5", "-S", "1", "-s", "1h", *timefile)
    assert service(client="acme-tiny").snooze[:4] == ("-H", "11,23", "-M", "5")
    assert service(domains=["example.net"]).snooze != service().snooze
