from __future__ import annotations

from uuid import uuid4

import pytest

from flexhub.bus.directory import SeatAddress
from flexhub.bus.envelope import Envelope, envelope_from_fields, envelope_to_fields

SENDER = SeatAddress(uuid4(), "one", 6)


@pytest.mark.parametrize(
    "envelope",
    [Envelope(uuid4(), "close", "späť", "m1", 7), Envelope(uuid4(), "relayed", "{}", "m1", 7, SENDER)],
)
def test_an_envelope_survives_the_inbox(envelope: Envelope) -> None:
    parts = envelope_to_fields(envelope)

    assert envelope_from_fields(dict(zip(parts[::2], parts[1::2], strict=True))) == envelope
