"""Mail: what sessions with the role RM heard, for the hosted RM that they speak for.

A hosted RM is a task that runs now and then, so what its sessions hear waits for it in a mailbox, one for each end. A
letter is written under the fencing token of its session, and before the message that it tells of is acknowledged. What
the RM has taken in, it drops; a mailbox that is full takes nothing more, and never loses what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from s2.versions import WireProfile

LetterKind = Literal["opened", "selected", "instruction", "revoked"]

_KINDS: Mapping[str, LetterKind] = {kind: kind for kind in get_args(LetterKind)}


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing that a session heard.

    `id` grows with time, also over a Redis that came back empty. `token` names the session. `at` is the hub's time at
    which it was heard. `payload`: for `opened` the value of a WireProfile, for `selected` that of a ControlType, for
    `instruction` and `revoked` the text of the message, in the version of the session.
    """

    id: str
    token: int
    kind: LetterKind
    at: datetime
    payload: str


@dataclass(frozen=True, slots=True)
class Mailbag:
    """The oldest letters of an end, of whatever session, and the session that lives there now.

    `token` is None where there is no living seat, `profile` also until the session is open.
    """

    token: int | None
    profile: WireProfile | None
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class MailRefused:
    """Letters that are in no mailbox, and the session that heard them."""

    end_id: UUID
    token: int


def letter_from_fields(entry_id: str, fields: Mapping[str, str]) -> Letter:
    """Raises KeyError, ValueError."""
    return Letter(
        id=entry_id,
        token=int(fields["token"]),
        kind=_KINDS[fields["kind"]],
        at=datetime.fromisoformat(fields["at"]),
        payload=fields["payload"],
    )
