"""The question to the CA when to renew, where it is not answered."""

import random
import time

import pytest

pytest.importorskip("acme", reason="the client needs the acme package")

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.options import Options
from s6gen.acme_client.protocol.renewal_info import ask_window
from s6gen.acme_client.protocol.responses import Response
from s6gen.acme_client.protocol.server import Server
from s6gen.acme_client.renewal.schedule import DAY, HOUR, InstalledChain
from s6gen.acme_client.state.records import State, Suggestion
from s6gen.acme_client.state.state_file import StateFile

WINDOW = Suggestion("id", ask=0, window=(1.0, 3.0), moment=2.0)


class Refusing(Server):
    """A CA that refuses each question."""

    status = 500

    def get(self, url: str) -> Response:
        raise Fatal(f"{url}: refused", status=self.status)


@pytest.mark.parametrize(("status", "pause"), [(500, HOUR), (404, DAY)])
@pytest.mark.parametrize("known", [None, WINDOW])
def test_a_refused_question_is_asked_again_later_and_forgets_nothing(
    monkeypatch: pytest.MonkeyPatch,
    known: Suggestion | None,
    status: int,
    pause: float,
) -> None:
    draws = iter((0.0, 1.0))
    monkeypatch.setattr(random, "random", lambda: next(draws))
    ca = Refusing("https://ca.example/directory", "", "1", time.monotonic() + 60)
    ca.status = status
    memory = StateFile("", str)
    memory.state = State(suggestion=known)
    before = time.time()
    ask_window(Options(), ca, memory, InstalledChain(identifier="id"))
    asked = memory.state.suggestion
    assert asked
    assert before + pause <= asked.ask <= time.time() + pause
    assert (asked.window, asked.moment) == (
        (WINDOW.window, WINDOW.moment) if known else (None, None)
    )
