"""The presets on the real servers: served is the old certificate until it is the new one."""

import os
import shutil
from pathlib import Path

import attrs
import pytest
from support.host import Host
from support.program import free_port
from support.servers import SERVERS
from support.servers.web import PASSWORD
from support.situations import SITUATIONS, Scene, happens, nobody_refused, scene


@pytest.mark.parametrize("name", SERVERS)
def test_what_happens_to_a_server(name: str, scratch: Path) -> None:
    server = SERVERS[name]
    password = scratch / "tomcat.password"
    password.touch(mode=0o600)
    password.write_text(f"{PASSWORD}\n")
    with scene(name, server, scratch) as it:
        for situation in SITUATIONS:
            if happens(situation, server):
                situation(it)


PATIENT = (
    "cups",
    "cyrus",
    "dnsdist",
    "dovecot",
    "inspircd",
    "kresd",
    "nginx",
    "ngircd",
    "postfix",
    "redis",
    "slapd-config",
    "znc",
)
"""Servers that wait a minute for a client that says nothing, and are not restarted."""


@pytest.mark.parametrize("name", PATIENT)
def test_connections_go_on(name: str, scratch: Path) -> None:
    with (
        scene(name, SERVERS[name], scratch) as it,
        it.connected() as connection,
    ):
        it.host.has_new_certificate()
        it.deploys()
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while connection.recv(4096):
                pass


WITH_TWO = {
    "haproxy": ("frontend x", ""),
    "nginx": ("server {", "}\n"),
    "stunnel": ("[x]", ""),
}
"""Servers with two certificates: where the part of the configuration for one begins, and what closes it."""


@attrs.frozen
class OtherHost(Host):
    """The same host, with another certificate, of another renewal service."""

    name: str = "renew-lets-encrypt-other-srv"

    @property
    def chain(self) -> Path:
        return self.scratch / "other/signed_chain.crt"

    @property
    def key(self) -> Path:
        return self.scratch / "other/domain.key"


def with_another_certificate(it: Scene) -> Scene:
    """The same server, which has now a second certificate at another port."""
    configuration, port = it.directory / "conf", free_port()
    begin, end = WITH_TWO[it.name]
    text = configuration.read_text().removesuffix(end)
    part = text[text.index(begin) :].replace(begin, begin.replace("x", "y"))
    part = part.replace(str(it.port), str(port)).replace("/tls/", "/other/")
    settings = f"{it.server.settings} dir={it.directory}/other"
    other = attrs.evolve(
        it,
        host=OtherHost(it.host.scratch, it.host.path),
        server=attrs.evolve(it.server, settings=settings),
        port=port,
    )
    other.host.has_new_certificate()
    other.renders()
    other.host.finishes()  # it is served nowhere, but the files are there then
    configuration.write_text(text + part + end)
    other.deploys_at_last()
    return other


def counting(program: str, scratch: Path) -> tuple[str, Path]:
    """A PATH on which each call of a program is a line in the file that is returned, too."""
    directory, calls = scratch / "counting", scratch / "calls"
    directory.mkdir()
    wrapper = directory / program
    wrapper.write_text(
        f'#!/bin/sh\necho "$@" >>{calls}\nexec {shutil.which(program)} "$@"\n'
    )
    wrapper.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}", calls


@pytest.mark.parametrize("name", WITH_TWO)
def test_two_services_that_renew_in_one_moment(name: str, scratch: Path) -> None:
    """Both are served, nobody is refused, and the server was told once for both."""
    path, calls = counting("s6-svc", scratch)
    with scene(name, SERVERS[name], scratch) as it:
        one = attrs.evolve(it, host=attrs.evolve(it.host, path=path))
        one.deploys_at_last()
        two = with_another_certificate(one)
        calls.unlink()
        with nobody_refused(one), nobody_refused(two):
            for _ in range(3):
                for each in (one, two):
                    each.host.has_new_certificate()
                running = [each.host.command() for each in (one, two)]
                said = [each.communicate(timeout=90)[0] for each in running]
                assert all(text.endswith(f"deployed: {name}\n") for text in said), said
                assert (one.served(), two.served()) == (one.new, two.new)
        # On a slow machine one may come when the other is done.
        assert len(calls.read_text().splitlines()) < 6
