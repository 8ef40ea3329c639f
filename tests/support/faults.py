"""What may go wrong between a client and its CA: answers for support.proxy to give."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs

from support.proxy import Cut, Fault, Reply, Request


def status(
    code: int,
    kind: str = "serverInternal",
    retry_after: str = "",
    detail: str = "out of order",
) -> Fault:
    """A problem document (RFC 7807) instead of the CA's answer."""
    problem = {
        "type": f"urn:ietf:params:acme:error:{kind}",
        "detail": detail,
        "status": code,
    }
    headers = [("Content-Type", "application/problem+json")]
    headers += [("Retry-After", retry_after)] * bool(retry_after)
    return lambda _: Reply(code, headers, json.dumps(problem).encode())


def instead(body: bytes) -> Fault:
    """Another body, with the CA's own status and headers."""
    return lambda request: attrs.evolve(request.forward(), body=body)


def cut(_: Request) -> Reply:
    """The connection ends before the CA sees the request."""
    raise Cut


def cut_after(request: Request) -> Reply:
    """The connection ends after the CA did what was asked."""
    request.forward()
    raise Cut


def truncated(request: Request) -> Reply:
    """Half of the answer arrives."""
    reply = request.forward()
    return attrs.evolve(reply, cut=len(reply.body) // 2)


def late(seconds: float) -> Fault:
    """The answer comes after a while."""

    def fault(request: Request) -> Reply:
        time.sleep(seconds)
        return request.forward()

    return fault


def edited(edit: Callable[[dict[str, Any]], Any]) -> Fault:
    """The CA's JSON, changed in place by `edit`, which may return another document instead."""

    def fault(request: Request) -> Reply:
        reply = request.forward()
        document = json.loads(reply.body)
        changed = edit(document)
        return attrs.evolve(reply, body=json.dumps(changed or document).encode())

    return fault


def put(name: str, value: object) -> Fault:
    """The CA's JSON has another value in a field."""
    return edited(lambda document: document.update({name: value}))


def without(key: str) -> Fault:
    """The CA's JSON lacks a key."""

    def fault(request: Request) -> Reply:
        reply = request.forward()
        document = json.loads(reply.body)
        document.pop(key, None)
        return attrs.evolve(reply, body=json.dumps(document).encode())

    return fault


def without_header(name: str) -> Fault:
    """The CA's answer lacks a header."""

    def fault(request: Request) -> Reply:
        reply = request.forward()
        kept = [
            (key, value) for key, value in reply.headers if key.lower() != name.lower()
        ]
        return attrs.evolve(reply, headers=kept)

    return fault


def with_header(name: str, value: str) -> Fault:
    """The CA's answer has a header, in place of its own."""

    def fault(request: Request) -> Reply:
        reply = without_header(name)(request)
        return attrs.evolve(reply, headers=[*reply.headers, (name, value)])

    return fault


def redirected(base: str) -> Fault:
    """The CA sends the client elsewhere."""
    return lambda request: Reply(
        302, [("Location", urljoin(base, urlsplit(request.path).path))]
    )


class Halt:
    """A fault that holds the request back, and tells that it came."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, request: Request) -> Reply:
        self.reached.set()
        self.released.wait(20)
        return request.forward()


def noting(payloads: list[Any]) -> Fault:
    """No fault: what each request asks for is added to the list."""

    def note(request: Request) -> Reply:
        payloads.append(request.payload)
        return request.forward()

    return note


def only_first(times: list[float], fault: Fault) -> Fault:
    """The fault for the first request alone; when each came is added to the list."""

    def answer(request: Request) -> Reply:
        times.append(time.time())
        return fault(request) if len(times) == 1 else request.forward()

    return answer
