"""What travels to a seat's inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal, get_args
from uuid import UUID

from flexhub.bus.directory import SeatAddress

EnvelopeKind = Literal["message", "close", "hello", "bye", "relayed", "reception"]

# What the two ends of a relayed link send each other.
RELAY_KINDS = frozenset({"hello", "bye", "relayed", "reception"})
# In the place of a token's id.
ANY_TOKEN = "*"  # noqa: S105  # It stands for one.
_KINDS: Mapping[str, EnvelopeKind] = {kind: kind for kind in get_args(EnvelopeKind)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """One thing for one session.

    `message`: `payload` is an S2 message as JSON text, for `Session.send`. `close`: `payload` is the reason to show;
    where `message_id` is set it is the id of a node's token, and only a session that this one opened is meant, or
    ANY_TOKEN, and whatever opened the session has ended. An older gateway leaves a session alone then, and finds out.
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


def envelope_to_text(envelope: Envelope) -> str:
    """A line of tabs, and then the payload. As fields of its own each part of the address would cost a little more."""
    sender, token = envelope.sender, envelope.token
    head = f"{envelope.link_id}\t{envelope.kind}\t{envelope.message_id}\t{'' if token is None else token}"
    if sender is not None:
        head += f"\t{sender.end_id}\t{sender.process}\t{sender.token}"
    return f"{head}\n{envelope.payload}"


def envelope_from_text(text: str) -> Envelope:
    """Raises KeyError, ValueError."""
    head, _, payload = text.partition("\n")
    link_id, kind, message_id, token, *address = head.split("\t")
    sender = None
    if address:
        end_id, process, sender_token = address
        sender = SeatAddress(_uuid(end_id), process, int(sender_token))
    return Envelope(_uuid(link_id), _KINDS[kind], payload, message_id, int(token), sender)


# The same few thousand sessions are named again and again.
@lru_cache(maxsize=20_000)
def _uuid(text: str) -> UUID:
    return UUID(text)
