"""The account at a CA: signed requests in its name, its contacts, keys and end."""

from __future__ import annotations

import json
import os
from dataclasses import replace

from cryptography.hazmat.primitives import serialization
from josepy import b64

from .certificates import parse_chain
from .files import read_file, replace_file
from .keys import (
    Key,
    load_key,
    make_key,
    pem_of,
    public_jwk,
    sign,
    sign_binding,
    thumbprint_of,
)
from .messages import OK, Fatal, inform
from .options import Options
from .responses import Json, Response
from .server import Server
from .state import KnownAccount, StateFile, no_fingerprint


class Account:
    """The account of a key at a CA: what is sent in its name is signed here."""

    def __init__(
        self, options: Options, server: Server, memory: StateFile, key: Key
    ) -> None:
        """Nothing is sent yet: sign_in does that."""
        self.options = options
        self.server = server
        self.memory = memory
        self.key = key
        self.url = ""
        self.thumbprint = thumbprint_of(key)
        self.name = f"{server.directory_url} {self.thumbprint}"
        """The name of the account in FILE.state."""

    def sign_in(self) -> None:
        """Act for the account. Unless known, it is created, or found by its key."""
        contact = self.options.contact
        known = self.memory.state.accounts.get(self.name)
        if known and known.url:
            self.url = known.url
            contact_at_ca = known.contact
        else:
            contact_at_ca = self.register()
        if contact and contact_at_ca is not None and contact_at_ca != contact:
            self.post(self.url, {"contact": list(contact)})
        self.remember(KnownAccount(self.url, contact))

    def find(self) -> None:
        """Act for the account of the key, which must be there. Raises Fatal."""
        self.url = ""
        url = self.server.resource("newAccount")
        self.url, _ = self.post(url, {"onlyReturnExisting": True}).located()

    def register(self) -> tuple[str, ...] | None:
        """Create the account, or find it by its key (section 7.3).

        Returns the contacts that the CA has of it, None if it does not say.
        """
        self.url = ""
        url = self.server.resource("newAccount")
        wanted: Json = {"termsOfServiceAgreed": True}
        if self.options.contact:
            wanted["contact"] = list(self.options.contact)
        if self.options.eab_kid:
            wanted["externalAccountBinding"] = sign_binding(
                self.key, url, self.options.eab_kid, self.options.eab_key_file
            )
        self.url, account = self.post(url, wanted).located()
        if "contact" not in account.content:
            return None
        contact = account.content["contact"]
        return tuple(map(str, contact)) if isinstance(contact, list) else ()

    def remember(self, account: KnownAccount | None) -> None:
        """Note the account in the state, or forget it."""
        accounts = dict(self.memory.state.accounts)
        accounts.pop(self.name, None)
        if account:
            accounts[self.name] = account
        self.memory.state = replace(self.memory.state, accounts=accounts)

    def post(self, url: str, payload: Json | None, again: bool = True) -> Response:
        """Send a signed request; without payload it is a POST-as-GET (section 6.3).

        `again` says that it may be repeated without harm. A known account that the CA
        has lost is created once more.
        """
        try:
            return self.post_once(url, payload, again)
        except Fatal as refusal:
            is_known = self.url and self.name in self.memory.state.accounts
            if refusal.kind != "accountDoesNotExist" or not is_known:
                raise
        self.remember(None)
        self.register()
        return self.post_once(url, payload, again)

    def post_once(self, url: str, payload: Json | None, again: bool) -> Response:
        """Send a signed request for the account as it is known."""

        def signed(nonce: str) -> bytes:
            return sign(self.key, url, payload, nonce, self.url)

        return self.server.post(url, signed, again)


# Commands


def find_account(options: Options, server: Server, key: Key) -> Account:
    """Ask the CA for the account of a key, which must be there. Raises Fatal."""
    account = Account(options, server, no_memory(), key)
    account.find()
    return account


def no_memory() -> StateFile:
    """A state that is not stored."""
    return StateFile("", no_fingerprint)


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
    inform(
        options.quiet, f"{options.account_key}: account {account.url} is deactivated"
    )
    return OK


def roll_over(options: Options, server: Server) -> int:
    """Give the account a new key (section 7.3.5).

    The new key waits in .next. A run that was killed after the CA took it is finished
    by the next one: the CA then knows no account of the old key.
    """
    path = options.account_key
    beside = f"{path}.next"
    old = load_key(path)
    if not os.path.exists(beside):  # noqa: PTH110 (pathlib is slow to load)
        replace_file(beside, pem_of(make_key(options.key_type)), 0o600)
    new = load_key(beside)
    try:
        account = find_account(options, server, old)
        change_key(account, new)
    except Fatal as refusal:
        if refusal.kind != "accountDoesNotExist":
            raise
        account = find_account(options, server, new)
    os.rename(beside, path)  # noqa: PTH104
    inform(options.quiet, f"{path}: account {account.url} has a new key")
    return OK


def change_key(account: Account, new: Key) -> None:
    """Ask the CA to take another key for the account: signed by both."""
    url = account.server.resource("keyChange")
    change = {"account": account.url, "oldKey": public_jwk(account.key)}
    account.post(url, json.loads(sign(new, url, change)))
