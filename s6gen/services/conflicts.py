"""The services of one host: certificates, their loggers, a bundle; and what cannot be together."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import attrs

from s6gen.errors import Fatal, Fatals
from s6gen.services.kind import Kind
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.renew_lets_encrypt_log import RenewLetsEncryptLog
from s6gen.services.validators import key_of

LOG_PARAMETERS = (
    "log_dir",
    "log_user",
    "log_group",
    "log_size",
    "log_number",
    "mount_service",
    "execlineb",
)


def services(
    certificates: Sequence[RenewLetsEncrypt], bundle: str | None = None
) -> list[Kind]:
    """All that is rendered for a host. Raises Fatals for certificates that are in each other's way.

    Those that name the same log service share it (s6-rc-compile: a consumer of several producers).
    """
    wrong: dict[frozenset[str], str] = {}
    for conflict in conflicts(certificates):
        wrong.setdefault(frozenset(map(named, conflict[:2])), conflict.message)
    if wrong:
        raise Fatals(wrong.values())
    loggers = list(shared(certificates, from_file=bundle is not None))
    if len(loggers) > 1:  # the bundle is for all, not for those of one logger
        loggers = [
            attrs.evolve(one, pipeline=f"{bundle}-pipeline")
            if one.pipeline == bundle
            else one
            for one in loggers
        ]
    pipelines = tuple(logger.pipeline for logger in loggers)
    names = {one.service for one in certificates}
    for other in (*(logger.service for logger in loggers), *pipelines):
        if other in names:
            raise Fatal(
                f"--log-service: one more would be called {other!r}: give another"
            )
        names.add(other)
    if bundle is None or pipelines == (bundle,):
        return [*certificates, *loggers]
    if bundle in names:
        raise Fatal(f"bundle: is the name of one of its services: {bundle!r}")
    from s6gen.services.bundle import Bundle

    return [*certificates, *loggers, Bundle(service=bundle, contents=pipelines)]


def shared(
    certificates: Iterable[RenewLetsEncrypt], *, from_file: bool
) -> Iterator[RenewLetsEncryptLog]:
    """The loggers, one for each name. From a file, another certificate does not change its run."""
    ordered = sorted(certificates, key=lambda one: one.log_service)
    for _, group in groupby(ordered, lambda one: one.log_service):
        loggers = [certificate.logger for certificate in group]
        names = {logger.pipeline for logger in loggers}
        yield attrs.evolve(
            loggers[0],
            producers=tuple(sorted(logger.producers[0] for logger in loggers)),
            pipeline=names.pop()
            if len(names) == 1
            else f"{loggers[0].service}-pipeline",
            command_line="s6gen render" if from_file else loggers[0].command_line,
        )


class Conflict(NamedTuple):
    """Two certificates, or one with itself, that cannot be on one host, and why."""

    one: RenewLetsEncrypt
    other: RenewLetsEncrypt
    why: str

    @property
    def message(self) -> str:
        """The conflict, so that the owner knows both."""
        if self.one is self.other:
            return f"certificate {named(self.one)} {self.why}"
        return f"certificates {named(self.one)} and {named(self.other)} {self.why}"


def named(certificate: RenewLetsEncrypt) -> str:
    """What its owner knows a certificate by."""
    return f"{certificate.page!r} ({certificate.domains[0]})"


def conflicts(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[Conflict]:
    """All that certificates cannot share."""
    owners: dict[tuple[str, str], RenewLetsEncrypt] = {}
    for mine in certificates:
        for what, value in claims(mine):
            other = owners.setdefault((what, value), mine)
            if other is not mine:
                yield Conflict(other, mine, f"{what} {value!r}")
    for name, parameters in (
        ("log_service", LOG_PARAMETERS),
        ("account_key", ("user", "group")),
    ):
        firsts: dict[str, RenewLetsEncrypt] = {}
        for mine in certificates:
            shared = getattr(mine, name)
            yield from differences(
                firsts.setdefault(shared, mine), mine, shared, parameters
            )
    yield from overlaps(certificates)


def claims(certificate: RenewLetsEncrypt) -> Iterator[tuple[str, str]]:
    """What a certificate must have for itself, and in which words that is said."""
    yield "share the page", certificate.page
    yield "are both called", certificate.service
    yield "share the --certificate-dir", certificate.certificate_dir
    if certificate.consumers:
        yield "share the --state-dir", certificate.state_dir
    for consumer in certificate.consumers:
        for path in consumer.targets:
            yield "are both deployed to", path


def differences(
    one: RenewLetsEncrypt, other: RenewLetsEncrypt, shared: str, names: Iterable[str]
) -> Iterator[Conflict]:
    """In which parameters two certificates differ that share something."""
    for name in names:
        values = (getattr(one, name), getattr(other, name))
        if values[0] != values[1]:
            option = key_of(getattr(attrs.fields(RenewLetsEncrypt), name))
            they = " and ".join(map(repr, values))
            yield Conflict(one, other, f"share {shared}, but --{option} is {they}")


class Place(NamedTuple):
    """A directory of a certificate's, and who else may have it, or one in it."""

    path: str
    what: str
    whose: str
    certificate: RenewLetsEncrypt


def places(certificate: RenewLetsEncrypt) -> Iterator[Place]:
    """The directories that a certificate's services write to."""
    yield Place(certificate.site, "the site", "", certificate)
    for path in {certificate.certificate_dir, certificate.account_dir}:
        yield Place(path, "keys", certificate.user, certificate)
    yield Place(certificate.log_dir, "the log", certificate.log_service, certificate)
    if certificate.consumers:
        yield Place(certificate.state_dir, "root's records", "", certificate)


def overlaps(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[Conflict]:
    """Directories and files of one certificate that lie in a directory of another's."""
    known: dict[str, dict[tuple[str, str], Place]] = {}
    for certificate in certificates:
        for place in places(certificate):
            # What may be shared counts once: a thousand certificates may share a directory.
            known.setdefault(place.path, {}).setdefault(
                (place.what, place.whose), place
            )
    for certificate in certificates:
        for path, what, whose in written(certificate):
            for above in ancestors(path):
                for kind, other in known.get(above, {}).items():
                    own = certificate is other.certificate and what != "a deployment"
                    if kind != (what, whose) and not own:
                        why = (
                            f"overlap: {path!r}, {what}, is in {above!r}, {other.what}"
                        )
                        yield Conflict(other.certificate, certificate, why)


def written(certificate: RenewLetsEncrypt) -> Iterator[tuple[str, str, str]]:
    """What a certificate's services write to, what that is, and whose."""
    for place in places(certificate):
        yield place.path, place.what, place.whose
    for consumer in certificate.consumers:
        for path in consumer.targets:
            yield path, "a deployment", ""


def ancestors(path: str) -> Iterator[str]:
    """A path, and all directories that it is in."""
    while path:
        yield path
        path = path.rpartition("/")[0]
