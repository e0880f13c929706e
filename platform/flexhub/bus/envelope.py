"""What travels to a seat's inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

EnvelopeKind = Literal["message", "close"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One thing for one session.

    `message`: `payload` is an S2 message as JSON text, for `Session.send`. `close`: `payload` is the reason to show.

    `token` names the session that is meant. On an envelope that was read from an inbox it is always set, and the
    gateway ignores an envelope whose token is not that of the session it holds: a `close` for a superseded session
    must not end the one that came after it. A publisher leaves it None to reach whichever session is living, or sets
    it (from `Snapshot.token`) to reach only the session it decided for.
    """

    link_id: UUID
    kind: EnvelopeKind
    payload: str
    message_id: str = ""
    token: int | None = None


class PublishResult(StrEnum):
    """What became of a published envelope."""

    DELIVERED = "DELIVERED"  # It is in the inbox of a living process.
    NO_SEAT = "NO_SEAT"  # Nobody holds the session now, or not the one that was meant.
    FULL = "FULL"  # The process is too far behind; try again later.


def envelope_to_fields(envelope: Envelope) -> tuple[str, ...]:
    """Names and values by turns, as XADD takes them."""
    token = "" if envelope.token is None else str(envelope.token)
    return (
        *("link", str(envelope.link_id), "kind", envelope.kind, "payload", envelope.payload),
        *("message_id", envelope.message_id, "token", token),
    )


def envelope_from_fields(fields: Mapping[str, str]) -> Envelope:
    """Raises KeyError, ValueError."""
    return Envelope(
        link_id=UUID(fields["link"]),
        kind="close" if fields["kind"] == "close" else "message",
        payload=fields["payload"],
        message_id=fields["message_id"],
        token=int(fields["token"]),
    )
