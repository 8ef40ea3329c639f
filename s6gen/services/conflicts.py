"""Certificates that cannot be on one host, because two would use the same thing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from s6gen.errors import Fatals
from s6gen.services.renew_lets_encrypt import PARAMETERS, RenewLetsEncrypt

LOG_KEYS = (
    "log-dir",
    "log-user",
    "log-group",
    "log-size",
    "log-number",
    "mount-service",
    "execlineb",
)
"""The parameters in which certificates agree that share a logger."""
ACCOUNT_KEYS = ("user", "group")
"""The parameters in which certificates agree that share an account's key."""

DEPLOYED = "a deployment"


class Conflict(NamedTuple):
    """Two certificates, or one with itself, that cannot be on one host.

    A NamedTuple, like the other class here, because it is made faster at every start.
    """

    first: RenewLetsEncrypt
    second: RenewLetsEncrypt
    reason: str

    @property
    def message(self) -> str:
        """The conflict, with the words by which the owner knows both."""
        first = label(self.first)
        if self.first is self.second:
            return f"certificate {first} {self.reason}"
        return f"certificates {first} and {label(self.second)} {self.reason}"


def refuse_conflicts(certificates: Sequence[RenewLetsEncrypt]) -> None:
    """Raise Fatals for certificates in each other's way: one message for each pair."""
    messages: dict[frozenset[str], str] = {}
    for conflict in conflicts(certificates):
        pair = frozenset([label(conflict.first), label(conflict.second)])
        messages.setdefault(pair, conflict.message)
    if messages:
        raise Fatals(messages.values())


def label(certificate: RenewLetsEncrypt) -> str:
    """Return the words by which the owner knows a certificate."""
    return f"{certificate.page!r} ({certificate.domains[0]})"


def conflicts(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[Conflict]:
    """Yield every reason why certificates cannot be on one host."""
    yield from double_claims(certificates)
    yield from differences(certificates, "log-service", LOG_KEYS)
    yield from differences(certificates, "account-key", ACCOUNT_KEYS)
    yield from overlaps(certificates)


def double_claims(certificates: Iterable[RenewLetsEncrypt]) -> Iterator[Conflict]:
    """Yield the certificates that use what another must have for itself."""
    owners: dict[tuple[str, str], RenewLetsEncrypt] = {}
    for certificate in certificates:
        for claim in claims(certificate):
            owner = owners.setdefault(claim, certificate)
            if owner is not certificate:
                verb, value = claim
                yield Conflict(owner, certificate, f"{verb} {value!r}")


def claims(certificate: RenewLetsEncrypt) -> Iterator[tuple[str, str]]:
    """Yield what a certificate must have for itself: a verb for two, and the value."""
    yield "share the page", certificate.page
    yield "are both called", certificate.service
    yield "share the --certificate-dir", certificate.certificate_dir
    if certificate.targets:
        yield "share the --state-dir", certificate.state_dir
    for path in deployed_paths(certificate):
        yield "are both deployed to", path


def deployed_paths(certificate: RenewLetsEncrypt) -> Iterator[str]:
    """Yield the files that a deployment writes."""
    for target in certificate.targets:
        yield from target.paths


def differences(
    certificates: Iterable[RenewLetsEncrypt], shared_key: str, keys: Iterable[str]
) -> Iterator[Conflict]:
    """Yield the certificates that share one parameter and differ in another."""
    owners: dict[str, RenewLetsEncrypt] = {}
    for certificate in certificates:
        shared = getattr(certificate, PARAMETERS[shared_key].name)
        owner = owners.setdefault(shared, certificate)
        for key in keys:
            name = PARAMETERS[key].name
            first = getattr(owner, name)
            second = getattr(certificate, name)
            if first != second:
                reason = f"share {shared}, but --{key} is {first!r} and {second!r}"
                yield Conflict(owner, certificate, reason)


class WrittenPath(NamedTuple):
    """A path that a certificate's services write to."""

    path: str
    content: str
    """Such as "keys"."""
    owner: str
    """A name for those that may share the path, or one directory of it."""
    certificate: RenewLetsEncrypt


def directories(certificate: RenewLetsEncrypt) -> Iterator[WrittenPath]:
    """Yield the directories that a certificate's services write to."""
    yield WrittenPath(certificate.site, "the site", "", certificate)
    for path in dict.fromkeys((certificate.certificate_dir, certificate.account_dir)):
        yield WrittenPath(path, "keys", certificate.user, certificate)
    yield WrittenPath(
        certificate.log_dir, "the log", certificate.log_service, certificate
    )
    if certificate.targets:
        yield WrittenPath(certificate.state_dir, "root's records", "", certificate)


def written_paths(certificate: RenewLetsEncrypt) -> Iterator[WrittenPath]:
    """Yield the directories, and the files that are deployed."""
    yield from directories(certificate)
    for path in deployed_paths(certificate):
        yield WrittenPath(path, DEPLOYED, "", certificate)


KnownDirectories = Mapping[str, Mapping[tuple[str, str], WrittenPath]]
"""By path, and by content and owner, the first certificate's directory."""


def known_directories(certificates: Iterable[RenewLetsEncrypt]) -> KnownDirectories:
    """Return the directories of all certificates.

    What may be shared counts once: a thousand certificates may share a directory.
    """
    known: dict[str, dict[tuple[str, str], WrittenPath]] = {}
    for certificate in certificates:
        for directory in directories(certificate):
            same_path = known.setdefault(directory.path, {})
            same_path.setdefault((directory.content, directory.owner), directory)
    return known


def overlaps(certificates: Sequence[RenewLetsEncrypt]) -> Iterator[Conflict]:
    """Yield the paths of one certificate that lie in a directory of another's."""
    known = known_directories(certificates)
    for certificate in certificates:
        for written in written_paths(certificate):
            for directory in directories_around(written.path, known):
                if not may_lie_in(written, directory):
                    yield overlap(written, directory)


def directories_around(path: str, known: KnownDirectories) -> Iterator[WrittenPath]:
    """Yield the known directories that a path lies in, or is itself."""
    while path:
        if path in known:
            yield from known[path].values()
        path = path.rpartition("/")[0]


def may_lie_in(written: WrittenPath, directory: WrittenPath) -> bool:
    """Tell whether a path may be in a directory, or be the directory itself."""
    if (written.content, written.owner) == (directory.content, directory.owner):
        return True
    if written.content == DEPLOYED:
        return False
    # One certificate's own directories were compared when it was made.
    return written.certificate is directory.certificate


def overlap(written: WrittenPath, directory: WrittenPath) -> Conflict:
    """Return the conflict of a path with the directory that it lies in."""
    inside = f"{written.path!r}, {written.content}"
    outside = f"{directory.path!r}, {directory.content}"
    reason = f"overlap: {inside}, is in {outside}"
    return Conflict(directory.certificate, written.certificate, reason)
