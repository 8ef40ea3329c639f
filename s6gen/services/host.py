"""The services of one host: its certificates, their loggers, and a bundle of all."""

from collections.abc import Iterable, Sequence

import attrs

from s6gen.errors import Fatal
from s6gen.services.conflicts import refuse_conflicts
from s6gen.services.kind import Kind
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.renew_lets_encrypt_log import RenewLetsEncryptLog


def host_services(
    certificates: Sequence[RenewLetsEncrypt], bundle: str | None = None
) -> list[Kind]:
    """Return everything that is rendered for a host.

    `bundle` is the name for all of it, where a file asks for the certificates. Raises
    Fatals for certificates that cannot be on one host, Fatal for a name used twice.
    """
    refuse_conflicts(certificates)
    loggers = shared_loggers(certificates, bundle)
    names = used_names(certificates, loggers)
    pipelines = tuple(logger.pipeline for logger in loggers)
    if bundle is None or pipelines == (bundle,):
        return [*certificates, *loggers]
    if bundle in names:
        raise Fatal(f"bundle: is the name of one of its services: {bundle!r}")
    from s6gen.services.bundle import Bundle  # few need it: a class takes time to make

    return [*certificates, *loggers, Bundle(service=bundle, contents=pipelines)]


def used_names(
    certificates: Iterable[RenewLetsEncrypt], loggers: Iterable[RenewLetsEncryptLog]
) -> set[str]:
    """Return the names of all services and pipelines. Raises Fatal for one used twice.

    Two certificates of one name are a conflict, and were refused as such.
    """
    names = {certificate.service for certificate in certificates}
    for name in names_of(loggers):
        if name in names:
            raise Fatal(
                f"--log-service: one more would be called {name!r}: give another"
            )
        names.add(name)
    return names


def names_of(loggers: Iterable[RenewLetsEncryptLog]) -> list[str]:
    """Return the names of loggers, and then of their pipelines."""
    services = [logger.service for logger in loggers]
    pipelines = [logger.pipeline for logger in loggers]
    return services + pipelines


def shared_loggers(
    certificates: Iterable[RenewLetsEncrypt], bundle: str | None
) -> list[RenewLetsEncryptLog]:
    """Return one logger for each name of a log service, in the order of names.

    Certificates with the same log service share it: it is one consumer of several
    producers (s6-rc-compile: Longrun pipelining). If there are several loggers, none
    of their pipelines has the name of the bundle of all.
    """
    groups: dict[str, list[RenewLetsEncryptLog]] = {}
    for certificate in certificates:
        group = groups.setdefault(certificate.log_service, [])
        group.append(certificate.logger)
    loggers = []
    for name in sorted(groups):
        loggers.append(shared_logger(groups[name], from_file=bundle is not None))
    if len(loggers) == 1:
        return loggers
    return [logger_named_apart(logger, bundle) for logger in loggers]


def shared_logger(
    loggers: Sequence[RenewLetsEncryptLog], *, from_file: bool
) -> RenewLetsEncryptLog:
    """Return one logger in place of several that have the same name."""
    first = loggers[0]
    pipelines = {logger.pipeline for logger in loggers}
    pipeline = first.pipeline
    if len(pipelines) > 1:
        pipeline = f"{first.service}-pipeline"
    command_line = first.command_line
    if from_file:  # so that one more certificate does not change the run script
        command_line = "s6gen render"
    producers = sorted(logger.producers[0] for logger in loggers)
    return attrs.evolve(
        first,
        producers=tuple(producers),
        pipeline=pipeline,
        command_line=command_line,
    )


def logger_named_apart(
    logger: RenewLetsEncryptLog, bundle: str | None
) -> RenewLetsEncryptLog:
    """Return a logger whose pipeline does not have the name of the bundle of all."""
    if logger.pipeline != bundle:
        return logger
    return attrs.evolve(logger, pipeline=f"{bundle}-pipeline")
