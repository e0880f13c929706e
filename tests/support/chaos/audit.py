"""The four sentences, checked: what each client had acknowledged against what the other side or the store has.

Nothing lost after an OK, nothing executed twice, nobody sees what is not theirs. (The fourth, that no home leaves its
comfort and safety, is not a matter of messages.) An audit looks back over the whole run; the crowd has to be quiet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import UUID

from cem_service.models import TERMINAL_STATUSES
from tests.support.chaos.crowd import Crowd, Hosted, Pair
from tests.support.chaos.journal import OK, Journal, Note
from tests.support.hub import Hub

# Rows that a killed worker had taken are taken again after 30 s, and a task of its after 90.
STORED_WITHIN_S = 120.0
_ORDER = ("ISSUED", "NEW", "ACCEPTED", "STARTED", "SUCCEEDED")
# What a gateway itself says to a peer on a relayed link.
_OF_THE_GATEWAY = "SessionRequest"


@dataclass(slots=True)
class Verdict:
    """`acknowledged`: messages answered OK. The lists are breaches, each as a sentence."""

    acknowledged: int = 0
    executed: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unhealthy: list[str] = field(default_factory=list)

    @property
    def breaches(self) -> list[str]:
        return self.lost + self.twice + self.foreign + self.unhealthy

    def leave_out(self, known: Collection[str]) -> None:
        """What an earlier audit has told already."""
        for breaches in (self.lost, self.twice, self.foreign, self.unhealthy):
            breaches[:] = [each for each in breaches if each not in known]


async def audit(hub: Hub, crowd: Crowd, *, known: Collection[str] = ()) -> Verdict:
    """Look at everything, again and again while rows may still be on their way to the database.

    `known` are the breaches of earlier audits.
    """
    deadline = monotonic() + STORED_WITHIN_S
    while True:
        verdict = Verdict()
        await asyncio.to_thread(_judge_hosted, hub, crowd.hosted, verdict)
        for pair in crowd.pairs:
            _judge_pair(pair, verdict)
        await asyncio.to_thread(_judge_seats, hub, crowd, verdict)
        verdict.leave_out(known)
        if not verdict.breaches or verdict.twice or monotonic() > deadline:
            return verdict
        await asyncio.sleep(0.5)


# -- A hosted CEM ------------------------------------------------------------------------------------------------------


def _judge_hosted(hub: Hub, hosted: Iterable[Hosted], verdict: Verdict) -> None:
    links = [each.link_id for each in hosted]
    measured = _measured(hub, links)
    ledger = hub.query(
        "SELECT id, link_id, status, message FROM cem_service_instruction WHERE link_id = ANY(%s)", links
    )
    statuses = {str(row["id"]): str(row["status"]) for row in ledger}
    owners = {str(row["id"]): row["link_id"] for row in ledger}
    snapshots = hub.bus.snapshots(links)
    for each in hosted:
        journal, name = each.rm.journal, f"hosted {each.link_id}"
        for message_id, note in journal.said.items():
            verdict.acknowledged += note.ok
            missing = _missing_in_store(note, measured.get(each.link_id, set()), statuses) if note.ok else None
            if missing is not None:
                verdict.lost.append(f"{name}: {message_id} of connection {note.connection}: {missing}")
        fields = snapshots[each.link_id]
        verdict.lost += _missing_in_snapshot(name, journal, None if fields is None else fields.fields())
        _judge_executions(name, each.rm.executed.items(), verdict)
        verdict.foreign += [
            f"{name}: was told {told}, which is not its own"
            for told in each.rm.executed
            if owners.get(told) != each.link_id
        ]


def _missing_in_store(note: Note, measured: set[tuple[datetime, float]], statuses: Mapping[str, str]) -> str | None:
    """What the database does not have of an acknowledged message."""
    if note.kind == "PowerMeasurement" and not _measurement_of(note) <= measured:
        return "the measurement is not stored"
    if note.kind == "InstructionStatusUpdate" and not _is_behind(statuses, note):
        return f"{note.document['instruction_id']} is not known to be {note.document['status_type']}"
    return None


def _measured(hub: Hub, links: list[UUID]) -> dict[UUID, set[tuple[datetime, float]]]:
    found: dict[UUID, set[tuple[datetime, float]]] = {}
    for row in hub.query("SELECT link_id, at, value FROM telemetry_measurement WHERE link_id = ANY(%s)", links):
        found.setdefault(row["link_id"], set()).add((row["at"], row["value"]))
    return found


def _measurement_of(note: Note) -> set[tuple[datetime, float]]:
    at = datetime.fromisoformat(note.document["measurement_timestamp"])
    return {(at, value["value"]) for value in note.document["values"]}


def _is_behind(statuses: Mapping[str, str], update: Note) -> bool:
    """Whether the ledger has got at least as far as the device said."""
    known, said = statuses.get(update.document["instruction_id"]), update.document["status_type"]
    if known is None:
        return False
    return known in TERMINAL_STATUSES or _ORDER.index(known) >= _ORDER.index(said)


def _missing_in_snapshot(name: str, journal: Journal, fields: object) -> list[str]:
    if not isinstance(fields, dict):
        return [f"{name}: there is no snapshot"]
    wanted = {
        "ResourceManagerDetails": journal.newest("ResourceManagerDetails"),
        "PowerMeasurement": journal.newest("PowerMeasurement"),
    }
    offered = journal.newest("PEBC.PowerConstraints")
    if offered is not None:
        wanted[f"PEBC.PowerConstraints/{offered.document['id']}"] = offered
    return [
        f"{name}: the snapshot does not hold the newest {field_name}"
        for field_name, note in wanted.items()
        if note is not None and fields.get(field_name) not in note.texts
    ]


def _judge_executions(name: str, executed: Iterable[tuple[str, int]], verdict: Verdict) -> None:
    for instruction_id, times in executed:
        verdict.executed += 1
        if times > 1:
            verdict.twice.append(f"{name}: {instruction_id} was executed {times} times")


# -- A relayed link ----------------------------------------------------------------------------------------------------


def _judge_pair(pair: Pair, verdict: Verdict) -> None:
    name = f"relayed {pair.link_id}"
    for what, one, other in (
        ("the CEM", pair.rm.journal, pair.cem.journal),
        ("the RM", pair.cem.journal, pair.rm.journal),
    ):
        _judge_way(f"{name}, to {what}", one, other, verdict)
    _judge_executions(name, pair.rm.executed.items(), verdict)
    verdict.foreign += [
        f"{name}: was told {told}, which its CEM did not say"
        for told in pair.rm.executed
        if told not in pair.cem.issued
    ]


def _judge_way(name: str, sender: Journal, receiver: Journal, verdict: Verdict) -> None:
    for message_id, note in sender.said.items():
        if not note.ok:
            continue
        verdict.acknowledged += 1
        heard = receiver.heard.get(message_id)
        if heard is None and note.kind != _OF_THE_GATEWAY:
            verdict.lost.append(f"{name}: {note.kind} {message_id} was acknowledged and never heard")
        elif heard is not None and OK not in heard.statuses:
            verdict.lost.append(f"{name}: {note.kind} {message_id} has an OK that nobody gave")
    for message_id, note in receiver.heard.items():
        if note.kind == _OF_THE_GATEWAY:
            continue
        said = sender.said.get(message_id)
        if said is None or not note.texts <= said.texts:
            verdict.foreign.append(f"{name}: heard {note.kind} {message_id}, which the other end did not say")


# -- Seats -------------------------------------------------------------------------------------------------------------


def _judge_seats(hub: Hub, crowd: Crowd, verdict: Verdict) -> None:
    """Every client that is connected has one living seat."""
    ours = {each.link_id: each.rm.opened for each in crowd.hosted}
    for pair in crowd.pairs:
        ours |= dict(zip(pair.end_ids, (pair.rm.opened, pair.cem.opened), strict=True))
    seats = [record.info.link_id for record in hub.bus.sessions() if record.info.link_id in ours]
    verdict.unhealthy += [f"{end} has {seats.count(end)} seats" for end in set(seats) if seats.count(end) > 1]
    verdict.unhealthy += [f"{end} is connected and has no seat" for end in ours if ours[end] and end not in seats]
