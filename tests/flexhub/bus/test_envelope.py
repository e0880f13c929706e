from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from flexhub.bus.directory import SeatAddress
from flexhub.bus.envelope import Envelope, envelope_from_text, envelope_to_text

# The same in every process, since it is in the names of tests.
LINK = UUID("0b5f9c1e-7c3d-4f3a-9d52-6f6a1c3e8a10")
SENDER = SeatAddress(uuid4(), "one", 6)


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(uuid4(), "close", "spät", "m1", 7),
        Envelope(uuid4(), "relayed", '{\n\t"message_id": "m1"\n}', "m1", 7, SENDER),
        Envelope(uuid4(), "hello", "", token=7, sender=SENDER),
    ],
)
def test_an_envelope_survives_the_inbox(envelope: Envelope) -> None:
    assert envelope_from_text(envelope_to_text(envelope)) == envelope


@pytest.mark.parametrize("text", ["", "one\ttwo\n", f"{LINK}\tlater\tm1\t7\n{{}}", f"{LINK}\tclose\tm1\t\n"])
def test_a_text_that_is_no_envelope_is_told(text: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        envelope_from_text(text)
