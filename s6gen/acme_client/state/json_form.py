"""The JSON of a state: what another version wrote, or left out, is dealt with here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .records import (
    Attempt,
    Challenge,
    Failure,
    Issuance,
    Issued,
    KnownAccount,
    PlacedOrder,
    Provisioned,
    State,
    Suggestion,
    Wanted,
)

Json = dict[str, Any]
T = TypeVar("T")
LARGEST = 1e11
"""No time in a state is that far from 1970, in seconds."""


# From JSON


def parse_state(sections: object) -> tuple[State, list[str]]:
    """A state from its JSON, of this version or another, and its unusable sections.

    A section that lacks a field, or has one of another type, counts as absent. A field
    that is not known is passed over.
    """
    unusable: list[str] = []
    state = State(
        accounts=accounts_from(section(sections, "accounts")),
        suggestion=read_section(sections, "renewal", suggestion_from, unusable),
        failure=read_section(sections, "failure", failure_from, unusable),
        issued=read_section(sections, "issued", issued_from, unusable),
        provisioned=read_section(sections, "answers", provisioned_from, unusable),
        attempt=read_section(sections, "attempt", attempt_from, unusable),
        order=read_section(sections, "order", order_from, unusable),
        ledger=read_section(sections, "ledger", ledger_from, unusable) or (),
    )
    return state, unusable


def section(sections: object, name: str) -> Json:
    """A section that is an object, else an empty one."""
    if not isinstance(sections, dict):
        return {}
    content = sections.get(name)
    return content if isinstance(content, dict) else {}


def read_section(
    sections: object, name: str, convert: Callable[[Json], T], unusable: list[str]
) -> T | None:
    """A section as its record; None if it is absent or empty.

    None also if it is not what it should be: then its name is added to `unusable`.
    """
    content = section(sections, name)
    if isinstance(sections, dict) and not isinstance(sections.get(name, {}), dict):
        unusable.append(name)
    if not content:
        return None
    try:
        return convert(content)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        unusable.append(name)
        return None


def number(value: object) -> float:
    """A number that can be a time: JSON as Python reads it has NaN too."""
    converted = float(str(value))
    if not abs(converted) < LARGEST:
        raise ValueError
    return converted


def accounts_from(content: Json) -> dict[str, KnownAccount]:
    """The accounts that have a URL."""
    accounts = {}
    for key, account in content.items():
        if not isinstance(account, dict):
            continue
        if not str(account.get("url")).startswith("https://"):
            continue
        contact = account.get("contact")
        if isinstance(contact, list):
            contact = tuple(map(str, contact))
        else:
            contact = None
        accounts[key] = KnownAccount(str(account["url"]), contact)
    return accounts


def suggestion_from(content: Json) -> Suggestion:
    """The section `renewal`."""
    window, moment = content.get("window"), content.get("moment")
    return Suggestion(
        certificate=str(content["id"]),
        ask=number(content.get("ask", 0)),
        window=(number(window[0]), number(window[1])) if window else None,
        moment=number(moment) if moment is not None else None,
    )


def failure_from(content: Json) -> Failure:
    """The section `failure`."""
    return Failure(
        count=max(1, int(content["count"])),
        next=number(content["next"]),
        what=str(content["what"]),
        options=dict(content["of"]),
        recent=tuple(number(time) for time in content.get("recent", ())),
    )


def issued_from(content: Json) -> Issued:
    """The section `issued`."""
    terms = tuple(map(str, content.get("terms", ())))
    return Issued(terms, str(content.get("renewal-info") or ""))


def provisioned_from(content: Json) -> Provisioned:
    """The section `answers`."""
    made = []
    for label, text, name in content["made"]:
        made.append(Challenge(str(label), str(text), str(name)))
    return Provisioned(
        kind=str(content["kind"]),
        location=str(content["place"]),
        made=tuple(made),
        tries=int(content.get("tries", 0)),
        is_kept=bool(content.get("kept", False)),
    )


def attempt_from(content: Json) -> Attempt:
    """The section `attempt`."""
    return Attempt(number(content["begun"]), dict(content["of"]))


def order_from(content: Json) -> PlacedOrder:
    """The section `order`."""
    wanted = Wanted(
        directory_url=str(content["directory"]),
        account=str(content["account"]),
        profile=str(content["profile"]),
        names=tuple(map(str, content["names"])),
    )
    url = str(content["url"])
    if not url.startswith("https://"):
        raise ValueError
    return PlacedOrder(
        url=url,
        wanted=wanted,
        key=str(content["key"]),
        placed=number(content["placed"]),
        expires=number(content["expires"]),
        is_early=bool(content["early"]),
        is_forced=bool(content["forced"]),
        may_be_issued=bool(content["may-be-issued"]),
        is_slow=bool(content["slow"]),
        runs=int(content["runs"]),
        refused=number(content["refused"]),
        next=number(content["next"]),
    )


def ledger_from(content: Json) -> tuple[Issuance, ...]:
    """The section `ledger`."""
    ledger = []
    for entry in content["issued"]:
        issuance = Issuance(
            directory_url=str(entry["directory"]),
            names=tuple(map(str, entry["names"])),
            at=number(entry["at"]),
            start=number(entry["start"]),
            end=number(entry["end"]),
            is_early=bool(entry["early"]),
            is_forced=bool(entry.get("forced", False)),
        )
        ledger.append(issuance)
    return tuple(ledger)


# To JSON


def dump_state(state: State) -> Json:
    """The JSON of a state, under the names that every version reads."""
    sections: Json = {"accounts": dump_accounts(state.accounts)}
    if suggestion := state.suggestion:
        sections["renewal"] = dump_suggestion(suggestion)
    if failure := state.failure:
        sections["failure"] = {
            "count": failure.count,
            "next": failure.next,
            "what": failure.what,
            "of": dict(failure.options),
            "recent": list(failure.recent),
        }
    if issued := state.issued:
        sections["issued"] = {
            "terms": list(issued.terms),
            "renewal-info": issued.renewal_info,
        }
    if provisioned := state.provisioned:
        sections["answers"] = {
            "kind": provisioned.kind,
            "place": provisioned.location,
            "made": [[made.label, made.text, made.name] for made in provisioned.made],
            "tries": provisioned.tries,
            "kept": provisioned.is_kept,
        }
    if attempt := state.attempt:
        sections["attempt"] = {"begun": attempt.begun, "of": dict(attempt.options)}
    if order := state.order:
        sections["order"] = dump_order(order)
    if state.ledger:
        sections["ledger"] = {"issued": [dump_issuance(i) for i in state.ledger]}
    return sections


def dump_accounts(accounts: Mapping[str, KnownAccount]) -> Json:
    """The section `accounts`."""
    content: Json = {}
    for key, account in accounts.items():
        content[key] = {"url": account.url}
        if account.contact is not None:
            content[key]["contact"] = list(account.contact)
    return content


def dump_suggestion(suggestion: Suggestion) -> Json:
    """The section `renewal`."""
    content: Json = {"id": suggestion.certificate, "ask": suggestion.ask}
    if suggestion.window:
        content["window"] = list(suggestion.window)
    if suggestion.moment is not None:
        content["moment"] = suggestion.moment
    return content


def dump_order(order: PlacedOrder) -> Json:
    """The section `order`."""
    return {
        "url": order.url,
        "directory": order.wanted.directory_url,
        "account": order.wanted.account,
        "profile": order.wanted.profile,
        "names": list(order.wanted.names),
        "key": order.key,
        "placed": order.placed,
        "expires": order.expires,
        "early": order.is_early,
        "forced": order.is_forced,
        "may-be-issued": order.may_be_issued,
        "slow": order.is_slow,
        "runs": order.runs,
        "refused": order.refused,
        "next": order.next,
    }


def dump_issuance(issuance: Issuance) -> Json:
    """An entry of the section `ledger`."""
    return {
        "directory": issuance.directory_url,
        "names": list(issuance.names),
        "at": issuance.at,
        "start": issuance.start,
        "end": issuance.end,
        "early": issuance.is_early,
        "forced": issuance.is_forced,
    }
