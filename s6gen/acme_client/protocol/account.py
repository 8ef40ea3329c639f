"""The account at a CA: created or found, and signed requests in its name."""

from __future__ import annotations

import time
from dataclasses import replace

from ..keys import Key, sign, sign_binding, thumbprint_of
from ..locks import lock_existing
from ..messages import Fatal
from ..options import Options
from ..state.records import KnownAccount
from ..state.state_file import StateFile
from .known_accounts import known_accounts, note_accounts
from .responses import Json, Response
from .server import Server

NOT_TAKEN = ("accountDoesNotExist", "malformed", "unauthorized")
"""The problem types of a CA that does not know an account under its URL."""
LAG = 12.0
"""Seconds in which a CA's replicas come to know what one of them has just made."""


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
        self.is_key_new = False
        """The key was made in this run: the CA cannot know it."""
        self.is_known = False
        """An earlier run has noted it: if the CA has lost it, it is created anew."""
        self.thumbprint = thumbprint_of(key)
        self.name = f"{server.directory_url} {self.thumbprint}"
        """The name of the account where it is noted."""

    def sign_in(self) -> None:
        """Act for the account. Unless known, it is created, or found by its key."""
        known = self.known()
        if known is None:
            # A binding that is good once must not be used by two runs at once.
            with lock_existing(self.options.account_key):
                known = self.known()
                if known is None:
                    known = self.register()
                    self.write_note(known)
                else:
                    self.is_known = True
        else:
            self.is_known = True
        self.url = known.url
        self.note_in_state(known)
        if self.name not in known_accounts(self.options.account_key):
            self.note(known)
        contact = self.options.contact
        if contact and known.contact != contact:
            self.post(self.url, {"contact": list(contact)})
            self.note(KnownAccount(self.url, contact))

    def known(self) -> KnownAccount | None:
        """The account as an earlier run noted it, None if none has."""
        accounts = known_accounts(self.options.account_key)
        account = accounts.get(self.name) or self.memory.state.accounts.get(self.name)
        if account is None or not account.url:
            return None
        return account

    def find(self) -> None:
        """Act for the account of the key, which must be there. Raises Fatal."""
        self.url = self.existing().located()[0]

    def existing(self) -> Response:
        """Ask for the account of the key, which is not created (section 7.3.1)."""
        self.url = ""
        url = self.server.resource("newAccount")
        return self.post(url, {"onlyReturnExisting": True})

    def register(self) -> KnownAccount:
        """Create the account, or find it by its key (section 7.3).

        A binding to an external account is used only if there is no account yet.
        """
        if self.options.eab_kid and not self.is_key_new:
            try:
                return self.account_in(self.existing())
            except Fatal as refusal:
                if not 400 <= refusal.status < 500:
                    raise
        try:
            return self.account_in(self.create())
        except Fatal as refusal:
            if refusal.kind != "externalAccountRequired":
                raise
            required = refusal
        try:  # some CAs look at the binding first, and then at the key
            return self.account_in(self.existing())
        except Fatal:
            raise required from None

    def create(self) -> Response:
        """Ask for a new account; the CA returns the one of the key if there is one."""
        self.url = ""
        url = self.server.resource("newAccount")
        wanted: Json = {"termsOfServiceAgreed": True}
        if self.options.contact:
            wanted["contact"] = list(self.options.contact)
        if self.options.eab_kid:
            wanted["externalAccountBinding"] = sign_binding(
                self.key, url, self.options.eab_kid, self.options.eab_key_file
            )
        return self.post(url, wanted)

    def account_in(self, response: Response) -> KnownAccount:
        """The account in a response, with the contacts that the CA knows.

        A CA may leave out what is empty; of a new account it was told them just now.
        """
        self.url, account = response.located()
        contact = account.content.get("contact")
        if isinstance(contact, list):
            return KnownAccount(self.url, tuple(map(str, contact)))
        is_new = response.status == 201
        return KnownAccount(self.url, self.options.contact if is_new else ())

    def note(self, account: KnownAccount | None) -> None:
        """Note the account beside its key, or forget it."""
        with lock_existing(self.options.account_key):
            self.write_note(account)

    def write_note(self, account: KnownAccount | None) -> None:
        """Note the account, under the lock, and in FILE.state.

        There it is for where nothing can be written beside the key.
        """
        before = known_accounts(self.options.account_key)
        accounts = {name: noted for name, noted in before.items() if name != self.name}
        if account:
            accounts[self.name] = account
        if accounts != before:
            note_accounts(self.options.account_key, accounts)
        self.note_in_state(account)

    def note_in_state(self, account: KnownAccount | None) -> None:
        """Note the account in FILE.state, or forget it."""
        accounts = dict(self.memory.state.accounts)
        accounts.pop(self.name, None)
        if account:
            accounts[self.name] = account
        self.memory.state = replace(self.memory.state, accounts=accounts)

    def post(self, url: str, payload: Json | None, again: bool = True) -> Response:
        """Send a signed request; without payload it is a POST-as-GET (section 6.3).

        `again` says that it may be repeated without harm. If the CA does not take an
        account that an earlier run has noted, it is looked for, once.
        """
        try:
            return self.post_patiently(url, payload, again)
        except Fatal as refusal:
            if not self.is_known or refusal.kind not in NOT_TAKEN:
                raise
            if not self.has_changed(refusal):
                raise
        return self.post_patiently(url, payload, again)

    def has_changed(self, refusal: Fatal) -> bool:
        """Tell whether the account of the key is another one than was noted.

        One that the CA has lost is created once more.
        """
        noted = self.url
        self.is_known = False
        if refusal.kind == "accountDoesNotExist":
            account = self.register()
        else:
            try:
                account = self.account_in(self.existing())
            except Fatal:
                self.url = noted
                return False
        self.url = account.url
        self.note(account)
        return account.url != noted

    def post_patiently(self, url: str, payload: Json | None, again: bool) -> Response:
        """Send a signed request, again for some seconds if the CA does not know yet.

        What one replica has just made, another may not have heard of.
        """
        end = time.monotonic() + LAG
        pause = 0.25
        while True:
            try:
                return self.post_once(url, payload, again)
            except Fatal as refusal:
                if not self.may_be_lag(refusal) or time.monotonic() + pause > end:
                    raise
                self.server.wait(pause, str(refusal))
            pause = min(2 * pause, 2.0)

    def may_be_lag(self, refusal: Fatal) -> bool:
        """Tell whether a refusal may come from a replica that lags behind."""
        if not self.url:
            return False
        is_new = not self.is_known
        if refusal.kind == "accountDoesNotExist":
            return is_new
        return refusal.status == 404

    def post_once(self, url: str, payload: Json | None, again: bool) -> Response:
        """Send a signed request for the account as it is known."""

        def signed(nonce: str) -> bytes:
            return sign(self.key, url, payload, nonce, self.url)

        return self.server.post(url, signed, again)
