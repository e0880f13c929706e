from __future__ import annotations

from uuid import uuid4

from flexhub.bus.envelope import Envelope, envelope_from_fields, envelope_to_fields


def test_an_envelope_survives_the_inbox() -> None:
    envelope = Envelope(uuid4(), "close", "späť", "m1", 7)
    parts = envelope_to_fields(envelope)

    assert envelope_from_fields(dict(zip(parts[::2], parts[1::2], strict=True))) == envelope
