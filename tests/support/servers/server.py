"""What a server is to the tests."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import attrs

from support.servers.greetings import at_once


def owned(directory: Path, user: str) -> Path:
    """A directory that belongs to a server's account."""
    directory.mkdir(exist_ok=True)
    shutil.chown(directory, user)
    return directory


def on_this_host(port: int) -> tuple[str, int]:
    """Where most servers listen."""
    return "127.0.0.1", port


@attrs.frozen
class Server:
    """A server, and what its preset has to be told for the test."""

    configure: Callable[[Path, int], str]
    programs: tuple[str, ...]
    settings: str = "service={directory}"
    """Of its preset; {directory} is that of the service."""
    greet: Callable[[socket.socket], None] = at_once
    has_a_gap: bool = False
    """It has to be restarted, or opens its port anew at a reload: some connections fail then."""
    is_told: bool = True
    """Its preset reloads or restarts it; else it sees a new file by itself."""
    is_restarted: bool = False
    """Its preset restarts it."""
    configuration: str = "conf"
    """The file that names chain and key, in the service's directory."""
    mistake: str = "nonsense_line yes\n"
    """A line that it does not understand."""
    minds_mistakes: bool = True
    """With a mistake in its configuration it does not take the certificate."""
    unreadable: str = ""
    """Settings with which it cannot read the key; "" where it reads as root, who can."""
    reopens: bool = True
    """Told to, it reads the files that its configuration names now."""
    names_its_files: bool = True
    """Its configuration says which files it reads, and nothing else does."""
    address: Callable[[int], tuple[str, int]] = on_this_host
    """Where it listens, when it is given a port."""
    deployment: str = ""
    """What --deploy is given where there is no preset; {address} is HOST:PORT."""
