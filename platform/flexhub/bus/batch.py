"""What one turn of a gateway's event loop has to say, collected so that it costs one round trip.

This is the hot path: the methods do as little as they can, and encode with the constant parts made beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple
from uuid import UUID

from flexhub.bus.directory import SeatInfo
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.mail import LetterKind, MailRefused
from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, FAMILY_PREFIXES, superseded_prefixes
from flexhub.bus.streams import Direction, Finding, LedgerRow, encode_findings, encode_ledger, log_text

# Numbers letters in the order in which this process heard them. A session lives in one process, so they tell a letter
# that is written a second time from a new one.
_LETTERS = count(1)


class Wake(NamedTuple):
    """A site whose reactive controller should look at it, or a hosted RM whose task should attend to it."""

    tenant_id: UUID
    site_id: UUID | None
    node_id: UUID | None = None


class Forward(NamedTuple):
    """An envelope from one end of a relayed link to the other, and the process in whose inbox it belongs."""

    process: str
    envelope: Envelope


class LinkWrites:
    """The writes about one link: prefixes are dropped first, then `fields` are set or (None) deleted.

    `mail` holds letters, four parts each as the script takes them, or is None where the mailbox is not concerned.
    """

    __slots__ = ("fields", "log", "mail", "prefixes", "token")

    def __init__(self, token: int) -> None:
        self.token = token
        self.fields: dict[str, str | None] = {}
        self.prefixes: list[str] = []
        self.log: list[str] = []
        self.mail: list[str | int] | None = None

    def drop(self, prefix: str) -> None:
        for name in [name for name in self.fields if name.startswith(prefix)]:
            del self.fields[name]
        self.prefixes.append(prefix)


class Batch:
    """Collect with `fold`, `log`, `measure`, `ledger`, `wake`, `forward` and `post`; hand to `GatewayBus.write`.

    After BusUnavailable keep the batch, go on adding to it, and write it again. Its size while Redis is away is the
    caller's to bound (`len` counts what was added): answer TEMPORARY_ERROR instead of adding without end. What was to
    be relayed must not arrive late: take it out with `give_up_relayed` and answer it TEMPORARY_ERROR. Nor must letters,
    whose senders wait for their acknowledgement: take them out with `give_up_mail` and close.
    """

    __slots__ = ("forwards", "ledger_rows", "links", "node_wakes", "size", "telemetry_rows", "uncertain", "wakes")

    def __init__(self) -> None:
        self.links: dict[UUID, LinkWrites] = {}
        self.telemetry_rows: list[str] = []
        self.ledger_rows: list[str] = []
        self.wakes: dict[UUID, UUID] = {}
        self.node_wakes: dict[UUID, UUID] = {}
        self.forwards: list[Forward] = []
        self.size = 0
        # Set when a write failed half-way: a wake flag that we then find set may be our own, so its task is sent.
        self.uncertain = False

    def __len__(self) -> int:
        return self.size

    def fold(self, link_id: UUID, token: int, field_name: str, text: str | None) -> None:
        """Set a snapshot field, or delete it with None. A system description drops the states of the one before it."""
        writes = self._writes(link_id, token)
        if writes.token != token:
            return  # A newer session of the same link spoke in the same turn; the older one has nothing to say.
        for prefix in superseded_prefixes(field_name):
            writes.drop(prefix)
        writes.fields[field_name] = text

    def reset_control_type(self, link_id: UUID, token: int) -> None:
        """Drop the control type and all that belongs to any. For when SelectControlType is sent, or details arrive."""
        writes = self._writes(link_id, token)
        if writes.token != token:
            return
        for prefix in FAMILY_PREFIXES:
            writes.drop(prefix)
        writes.fields[CONTROL_TYPE_FIELD] = None

    def log(
        self,
        link_id: UUID,
        token: int,
        direction: Direction,
        at: datetime,
        text: str,
        *,
        status: str | None = None,
        findings: Sequence[Finding] = (),
    ) -> None:
        """Add to the link's conversation. It is kept even when the token turns out to be fenced: it was said."""
        self._writes(link_id, token).log += (
            direction,
            at.isoformat(),
            log_text(text),
            status or "",
            encode_findings(findings) if findings else "",
        )

    def measure(self, seat: SeatInfo, quantity: str, at: datetime, value: float) -> None:
        """Add a telemetry row; `value` in the unit of the quantity (power: W, positive = consumption)."""
        self.telemetry_rows.append(f"{seat.row_head}{quantity}\t{at.isoformat()}\t{value!r}")
        self.size += 1

    def ledger(self, row: LedgerRow) -> None:
        self.ledger_rows.append(encode_ledger(row))
        self.size += 1

    def wake(self, tenant_id: UUID, site_id: UUID) -> None:
        self.wakes[site_id] = tenant_id

    def wake_node(self, tenant_id: UUID, node_id: UUID) -> None:
        """Ask for the task of a hosted RM."""
        self.node_wakes[node_id] = tenant_id

    def post(self, end_id: UUID, token: int, kind: LetterKind, at: datetime, payload: str) -> None:
        """Put a letter into the mailbox of an end; see `mail.Letter`."""
        writes = self._writes(end_id, token)
        if writes.token == token:
            writes.mail = [*(writes.mail or ()), next(_LETTERS), kind, at.isoformat(), payload]

    def ask_for_room(self, end_id: UUID, token: int) -> None:
        """Have the result say whether this mailbox is still full."""
        writes = self._writes(end_id, token)
        if writes.mail is None:
            writes.mail = []

    def give_up_mail(self) -> list[MailRefused]:
        """Take out all letters; returns who waits for them."""
        given_up = [MailRefused(end_id, each.token) for end_id, each in self.links.items() if each.mail]
        for refused in given_up:
            self.links[refused.end_id].mail = None
        return given_up

    def all_wakes(self) -> Iterator[tuple[UUID, Wake]]:
        """What each flag is known by, and whom it wakes. For the implementations of `GatewayBus.write`."""
        for site_id, tenant_id in self.wakes.items():
            yield site_id, Wake(tenant_id, site_id)
        for node_id, tenant_id in self.node_wakes.items():
            yield node_id, Wake(tenant_id, None, node_id)

    def forward(self, process: str, envelope: Envelope) -> None:
        """Put an envelope into the inbox of that process; it needs a sender. Their order is kept."""
        self.forwards.append(Forward(process, envelope))
        self.size += 1

    def give_up_relayed(self) -> list[Forward]:
        """Take out the messages that were to be relayed; verdicts and news of the ends stay, they may come late."""
        given_up = [each for each in self.forwards if each.envelope.kind == "relayed"]
        if given_up:
            self.forwards = [each for each in self.forwards if each.envelope.kind != "relayed"]
            self.size -= len(given_up)
        return given_up

    def absorb(self, newer: Batch) -> None:
        """Add what `newer` collected after this batch, as if it had been collected here."""
        for link_id, theirs in newer.links.items():
            ours = self._writes(link_id, theirs.token)
            ours.log += theirs.log
            if ours.token == theirs.token:
                for prefix in theirs.prefixes:
                    ours.drop(prefix)
                ours.fields.update(theirs.fields)
                if theirs.mail is not None:
                    ours.mail = [*(ours.mail or ()), *theirs.mail]
        self.telemetry_rows += newer.telemetry_rows
        self.ledger_rows += newer.ledger_rows
        self.wakes.update(newer.wakes)
        self.node_wakes.update(newer.node_wakes)
        self.forwards += newer.forwards
        self.uncertain |= newer.uncertain
        self.size += newer.size

    def keep_rows(self, telemetry: Sequence[str], ledger: Sequence[str]) -> None:
        """Add encoded rows as they are: those that a full stream refused, and those that have to be written again."""
        self.telemetry_rows += telemetry
        self.ledger_rows += ledger
        self.size += len(telemetry) + len(ledger)

    def _writes(self, link_id: UUID, token: int) -> LinkWrites:
        self.size += 1
        writes = self.links.get(link_id)
        if writes is None:
            writes = self.links[link_id] = LinkWrites(token)
        elif token > writes.token:
            newer = self.links[link_id] = LinkWrites(token)
            newer.log = writes.log
            return newer
        return writes


@dataclass(slots=True)
class BatchResult:
    """What became of a batch that Redis took.

    `fenced`: a newer session has the seat; close this one. `lost`: no seat at all (Redis was restarted empty, or our
    lease ended and somebody cleaned up): claim it again and fold the session's whole state. `overfull`: the snapshot
    has as many fields as it may have, new ones were not stored.
    `undelivered`: envelopes that are in no inbox, because the process is gone (NO_SEAT) or too far behind (FULL).
    `posted`: ends whose letters all lie in their mailbox; those of others do not. `mail_full`: mailboxes that take no
    more, save what is `posted`; answer TEMPORARY_ERROR to what would need one, and ask for room meanwhile.
    `leftover` holds the rows that a full stream refused. Go on with `leftover.absorb(next_batch)`, and answer
    TEMPORARY_ERROR to what would add rows until both flags are False again.
    """

    fenced: set[UUID] = field(default_factory=set)
    lost: set[UUID] = field(default_factory=set)
    overfull: set[UUID] = field(default_factory=set)
    woken: list[Wake] = field(default_factory=list)
    undelivered: list[tuple[Forward, PublishResult]] = field(default_factory=list)
    posted: set[UUID] = field(default_factory=set)
    mail_full: set[UUID] = field(default_factory=set)
    telemetry_full: bool = False
    ledger_full: bool = False
    leftover: Batch = field(default_factory=Batch)
