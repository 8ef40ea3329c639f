"""The service that deploys."""

import hashlib
import re

import attrs

Program = tuple[str, ...]
"""The words that call a program, which may become another one."""


@attrs.frozen
class Sender:
    """The service that deploys, as its steps have to know it."""

    name: str
    user: str
    """Who runs the client, and looks at what is served."""
    state_dir: str
    live: str
    """s6-rc's live directory."""
    scandir: str
    """Where other services are supervised."""
    server_name: str
    """A name in the certificate, for the server to choose by."""
    client: tuple[str, ...] = ()
    """The words that call s6gen's client; without it openssl looks."""

    @property
    def now(self) -> str:
        """The directory of what is deployed at this moment."""
        return f"{self.state_dir}/now"

    def if_up(self, service: str) -> Program:
        """Return what leaves the next program out while a service is down."""
        return ("./data/if-up", *self.where(service))

    def where(self, service: str) -> tuple[str, str, str]:
        """Return the words by which data/find-server finds a service."""
        return (service, self.live, self.scandir)

    def together(self, target: str, service: str, program: Program) -> Program:
        """Return what lets a program that tells a service run once for several."""
        directory = self.state_dir.rpartition("/")[0]
        name = f"{self.name[:100]}:{target[:100]}"
        if len(self.name) > 100 or len(target) > 100:
            name += f"-{digest((self.name, target))}"
        return (
            "./data/together",
            f"{directory}/.told/{shared_name(service, program)}",
            name,
        )


def shared_name(service: str, program: Program) -> str:
    """Return what all have in common who tell a service the same, as a file's name.

    The same name may be another service for who looks elsewhere: the whole program
    counts.
    """
    name = service.rpartition("/")[2]
    return f"{re.sub('[^A-Za-z0-9_.@-]', '_', name)[:100]}-{digest(program)}"


def digest(words: tuple[str, ...]) -> str:
    """Return a checksum of words, short enough for a file's name."""
    content = "\0".join(words).encode("utf-8", "surrogateescape")
    return hashlib.sha256(content).hexdigest()[:16]
