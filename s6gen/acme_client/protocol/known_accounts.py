"""KEY.account: the URLs of the accounts of a key, beside it, for all certificates.

A binding to an external account may be good once: then it must not be lost with one
FILE.state. JSON, by the CA's directory and the thumbprint of the key.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

from ..files import read_regular_file, replace_file
from ..messages import Fatal, reason, warn_once
from ..state.json_form import accounts_from, dump_accounts
from ..state.records import KnownAccount


def known_accounts(account_key: str) -> dict[str, KnownAccount]:
    """The accounts that are noted beside a key; a damaged note is dropped, and said."""
    path = path_beside(account_key)
    try:
        content = json.loads(read_regular_file(path))
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = reason(error).removeprefix(f"{path}: ")
        warn_once(f"{path}: {why}: starting it anew")
        return {}
    return accounts_from(content)


def note_accounts(account_key: str, accounts: Mapping[str, KnownAccount]) -> None:
    """Note the accounts beside a key.

    That it is not possible is no error: the key may lie where nobody may write.
    """
    content = json.dumps(dump_accounts(accounts), indent=1).encode() + b"\n"
    with contextlib.suppress(Fatal):
        replace_file(path_beside(account_key), content, 0o644)


def path_beside(account_key: str) -> str:
    """The file of the accounts of a key."""
    return f"{account_key}.account"
