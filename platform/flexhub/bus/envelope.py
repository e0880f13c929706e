"""What travels to a seat's inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args
from uuid import UUID

from flexhub.bus.directory import SeatAddress

EnvelopeKind = Literal["message", "close", "hello", "bye", "relayed", "reception"]

# What the two ends of a relayed link send each other.
RELAY_KINDS = frozenset({"hello", "bye", "relayed", "reception"})
_KINDS: Mapping[str, EnvelopeKind] = {kind: kind for kind in get_args(EnvelopeKind)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """One thing for one session.

    `message`: `payload` is an S2 message as JSON text, for `Session.send`. `close`: `payload` is the reason to show.
    Between the ends of a relayed link (flexhub.gateway.relay): `hello` and `bye` say that a session is there or gone,
    `relayed` and `reception` carry a message and the verdict on one as the peer wrote them. Only these have a `sender`.

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
    sender: SeatAddress | None = None


class PublishResult(StrEnum):
    """What became of a published envelope."""

    DELIVERED = "DELIVERED"  # It is in the inbox of a living process.
    NO_SEAT = "NO_SEAT"  # Nobody holds the session now, or not the one that was meant.
    FULL = "FULL"  # The process is too far behind; try again later.


def envelope_to_fields(envelope: Envelope) -> tuple[str, ...]:
    """Names and values by turns, as XADD takes them."""
    token = "" if envelope.token is None else str(envelope.token)
    fields = (
        *("link", str(envelope.link_id), "kind", envelope.kind, "payload", envelope.payload),
        *("message_id", envelope.message_id, "token", token),
    )
    sender = envelope.sender
    if sender is None:
        return fields
    return (*fields, "sender", str(sender.end_id), "process", sender.process, "sender_token", str(sender.token))


def envelope_from_fields(fields: Mapping[str, str]) -> Envelope:
    """Raises KeyError, ValueError."""
    sender = None
    if "sender" in fields:
        sender = SeatAddress(UUID(fields["sender"]), fields["process"], int(fields["sender_token"]))
    return Envelope(
        link_id=UUID(fields["link"]),
        kind=_KINDS[fields["kind"]],
        payload=fields["payload"],
        message_id=fields["message_id"],
        token=int(fields["token"]),
        sender=sender,
    )
