"""What the values of a step must not be. All raise Fatal."""

import re

from s6gen.errors import Fatal
from s6gen.names import is_account_name, is_directory_below_root, is_service_name


def refuse_no_service(service: str) -> None:
    """Refuse what is neither a service's name nor the path of a service directory."""
    refuse_if(
        not service,
        "needs a service that s6 supervises: for another server give steps of your own",
    )
    good = is_directory_below_root(service) or is_service_name(service)
    refuse_if(
        not good,
        f"must be a service's name, or the path of a service directory: {service!r}",
    )


def refuse_account(name: str) -> None:
    """Refuse what cannot be an account or a group."""
    refuse_if(not is_account_name(name), f"must be an account: {name!r}")


def refuse_no_path(path: str) -> None:
    """Refuse what is not the absolute path of a file."""
    refuse_if(path.endswith("/"), f"must be a file, not a directory: {path!r}")
    refuse_if(not is_directory_below_root(path), f"must be an absolute path: {path!r}")


def refuse_mode(mode: str, is_secret: bool, path: str) -> None:
    """Refuse a mode that lets others write, or read a key.

    The owner may write with 0600 alone, the one mode that Samba takes for a key.
    """
    refuse_if(not re.fullmatch(r"0?[0-7]{3}", mode), f"mode must be octal: {mode!r}")
    bits = int(mode, 8)
    refuse_if(bits & 0o333 != 0 and bits != 0o600, f"mode must be read-only: {mode!r}")
    refuse_if(
        is_secret and bits & 0o007 != 0,
        f"mode {mode} would show the key to everybody: {path!r}",
    )


def refuse_timeout(timeout: str) -> None:
    """Refuse what is not a number of seconds, of at most five digits."""
    refuse_if(
        not re.fullmatch(r"[1-9][0-9]{0,4}", timeout), "timeout must be in seconds"
    )


def refuse_if(wrong: bool, message: str) -> None:
    """Raise Fatal if something is wrong."""
    if wrong:
        raise Fatal(message)
