"""--revoke, --deactivate and --roll-over: what is asked for about an account."""

# ruff: noqa: PTH110, PTH120 (pathlib is slow to load)

from __future__ import annotations

import json
import os
from dataclasses import replace

from cryptography.hazmat.primitives import serialization
from josepy import b64

from ..certificates import parse_chain
from ..files import (
    read_file,
    read_own_file,
    remove_file,
    replace_file,
    try_to_replace,
)
from ..keys import (
    Key,
    is_same_key,
    load_key,
    make_key,
    parse_key,
    pem_of,
    public_jwk,
    sign,
    thumbprint_of,
)
from ..locks import lock_existing
from ..messages import OK, Fatal, inform, say
from ..options import Options
from ..state.records import KnownAccount
from ..state.state_file import StateFile, no_fingerprint
from .account import Account
from .known_accounts import known_accounts
from .server import Server


def revoke(options: Options, server: Server) -> int:
    """Revoke a certificate, signed with the account key or else the domain key."""
    chain = parse_chain(read_file(options.revoke), options.revoke)
    if options.account_key:
        signer = find_account(options, server, load_key(options.account_key))
    else:
        signer = Account(options, server, no_memory(), load_key(options.domain_key))
    der = chain[0].public_bytes(serialization.Encoding.DER)
    request = {"certificate": b64.b64encode(der).decode(), "reason": options.reason}
    signer.post(server.resource("revokeCert"), request)
    inform(options.quiet, f"{options.revoke}: revoked")
    return OK


def deactivate(options: Options, server: Server) -> int:
    """Deactivate the account, for ever (section 7.3.6)."""
    account = find_account(options, server, load_key(options.account_key))
    account.post(account.url, {"status": "deactivated"})
    account.note(None)
    key = options.account_key
    inform(options.quiet, f"{key}: account {account.url} is deactivated")
    return OK


def roll_over(options: Options, server: Server) -> int:
    """Give the account a new key (section 7.3.5).

    The new key waits in .next. A run that was killed after the CA took it is finished
    by the next one: the CA then knows no account of the old key.
    """
    path = options.account_key
    beside = f"{path}.next"
    with lock_existing(os.path.dirname(path) or "."):
        old = load_key(path)
        try_to_replace(path, 0o600, secret=True)  # later it must succeed
        keep_for_others(path, old, server)
        if not os.path.exists(beside):
            pem = pem_of(make_key(options.key_type))
            replace_file(beside, pem, 0o600, secret=True)
        content = read_own_file(beside)
        new = parse_key(content, beside)
        account = give_key(options, server, old, new)
        replace_file(path, content, 0o600, secret=True)
        if not is_same_key(load_key(path).public_key(), new.public_key()):
            raise Fatal(f"{path}: is not the key in {beside}: copy that one there")
        remove_file(beside)
        note_new_key(options, server, account, new)
    inform(options.quiet, f"{path}: account {account.url} has a new key")
    return OK


def keep_for_others(path: str, key: Key, server: Server) -> None:
    """Keep a copy of a key that is also that of accounts at other CAs.

    They may be bound to external accounts, and could not be made again.
    """
    thumbprint = thumbprint_of(key)
    others = []
    for name in known_accounts(path):
        directory_url, _, owner = name.rpartition(" ")
        if owner == thumbprint and directory_url != server.directory_url:
            others.append(directory_url)
    if not others:
        return
    old = f"{path}.old"
    content = read_own_file(path)
    if os.path.exists(old) and read_own_file(old) == content:
        return
    if os.path.lexists(old):
        raise Fatal(f"{old}: is in the way: the key is that of others too: {others[0]}")
    replace_file(old, content, 0o600, secret=True)
    say("warning", f"{old}: keeps the key for the accounts at {' '.join(others)}")


def give_key(options: Options, server: Server, old: Key, new: Key) -> Account:
    """Make another key that of the account, unless the CA has done so already."""
    try:
        account = find_account(options, server, old)
        change_key(account, new)
    except Fatal as refusal:
        if refusal.kind != "accountDoesNotExist":
            raise
        account = find_account(options, server, new)
    return account


def note_new_key(options: Options, server: Server, account: Account, new: Key) -> None:
    """Note beside the key that the account is now the new key's."""
    known = account.known() or KnownAccount(account.url)
    account.note(None)
    Account(options, server, no_memory(), new).note(replace(known, url=account.url))


def change_key(account: Account, new: Key) -> None:
    """Ask the CA to take another key for the account: signed by both."""
    url = account.server.resource("keyChange")
    change = {"account": account.url, "oldKey": public_jwk(account.key)}
    account.post(url, json.loads(sign(new, url, change)))


def find_account(options: Options, server: Server, key: Key) -> Account:
    """Ask the CA for the account of a key, which must be there. Raises Fatal."""
    account = Account(options, server, no_memory(), key)
    account.find()
    return account


def no_memory() -> StateFile:
    """A state that is not stored."""
    return StateFile("", no_fingerprint)
