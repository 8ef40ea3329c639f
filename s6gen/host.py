"""The services of one host: certificates, their loggers, a bundle; and what cannot be together."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import attrs

from s6gen.errors import Fatal, Fatals
from s6gen.kind import Kind
from s6gen.layers import key_of
from s6gen.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.renew_lets_encrypt_log import RenewLetsEncryptLog

LOG_PARAMETERS = (
    "log_dir",
    "log_user",
    "log_group",
    "log_size",
    "log_number",
    "mount_service",
    "execlineb",
)


def services(certificates: Sequence[RenewLetsEncrypt], bundle: str | None = None) -> list[Kind]:
    """All that is rendered for a host. Raises Fatals for certificates that are in each other's way.

    Those that name the same log service share it (s6-rc-compile: a consumer of several producers).
    """
    if len(certificates) > 1 and (wrong := list(dict.fromkeys(conflicts(certificates)))):
        raise Fatals(wrong)
    loggers = list(shared(certificates, from_file=bundle is not None))
    if len(loggers) > 1:  # the bundle is for all, not for those of one logger
        loggers = [
            attrs.evolve(one, pipeline=f"{bundle}-pipeline") if one.pipeline == bundle else one
            for one in loggers
        ]
    pipelines = tuple(logger.pipeline for logger in loggers)
    names = {one.service for one in certificates}
    for other in (*(logger.service for logger in loggers), *pipelines):
        if other in names:
            raise Fatal(f"--log-service: one more would be called {other!r}: give another")
        names.add(other)
    if bundle is None or pipelines == (bundle,):
        return [*certificates, *loggers]
    if bundle in names:
        raise Fatal(f"bundle: is the name of one of its services: {bundle!r}")
    from s6gen.bundle import Bundle

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
            pipeline=names.pop() if len(names) == 1 else f"{loggers[0].service}-pipeline",
            command_line="s6gen render" if from_file else loggers[0].command_line,
        )


def conflicts(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[str]:
    """Each pair of certificates that cannot be on one host, and why."""
    owners: dict[tuple[str, str], RenewLetsEncrypt] = {}
    for mine in certificates:
        for what, value in claims(mine):
            other = owners.setdefault((what, value), mine)
            if other is not mine:
                yield f"{pair(other, mine)} {what} {value!r}"
                break
    loggers: dict[str, RenewLetsEncrypt] = {}
    accounts: dict[str, RenewLetsEncrypt] = {}
    for mine in certificates:
        yield from differences(
            loggers.setdefault(mine.log_service, mine), mine, mine.log_service, LOG_PARAMETERS
        )
        yield from differences(
            accounts.setdefault(mine.account_key, mine), mine, mine.account_key, ("user", "group")
        )
    yield from exposed(certificates)


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
    one: RenewLetsEncrypt, other: RenewLetsEncrypt, what: str, names: Iterable[str]
) -> Iterator[str]:
    """In which parameters two certificates differ that share something."""
    for name in names if one is not other else ():
        values = (getattr(one, name), getattr(other, name))
        if values[0] != values[1]:
            option = key_of(getattr(attrs.fields(RenewLetsEncrypt), name))
            they = " and ".join(map(repr, values))
            yield f"{pair(one, other)} share {what}, but --{option} is {they}"
            return


def exposed(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[str]:
    """Sites in which the keys or logs of another certificate lie, or the other way round."""
    sites = {one.site: one for one in certificates}
    private = {path: one for one in certificates for path in (one.certificate_dir, one.log_dir)}
    for mine in certificates:
        for path in (mine.certificate_dir, mine.account_dir, mine.log_dir):
            for above in ancestors(path):
                if other := sites.get(above):
                    yield f"{pair(other, mine)}: {path!r} lies in the site {above!r}"
        for above in ancestors(mine.site):
            if other := private.get(above):
                yield f"{pair(other, mine)}: the site {mine.site!r} lies in {above!r}"


def ancestors(path: str) -> Iterator[str]:
    """A path, and all directories that it is in."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def pair(one: RenewLetsEncrypt, other: RenewLetsEncrypt) -> str:
    """Two certificates, so that their owner knows them."""
    if one.page != other.page:
        return f"certificates {one.page!r} and {other.page!r}"
    return f"certificates {one.page!r} ({one.domains[0]}) and {other.page!r} ({other.domains[0]})"
