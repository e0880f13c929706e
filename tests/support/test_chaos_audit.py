"""The audit of a chaos run finds what it is there to find."""

from __future__ import annotations

import json
from uuid import uuid4

from flexhub.load.engine.targets import Target
from s2.messages import EnergyManagementRole
from tests.support.chaos.audit import Verdict, _judge_pair, _missing_in_snapshot, _missing_in_store
from tests.support.chaos.crowd import Pair
from tests.support.chaos.journal import Journal
from tests.support.chaos.peers import BuildingCEM, EnvelopeRM
from tests.support.gateway import Document


def measurement(message_id: str, power_w: float = 1.0) -> Document:
    return {
        "message_type": "PowerMeasurement",
        "message_id": message_id,
        "measurement_timestamp": "2026-04-21T10:00:00+00:00",
        "values": [{"commodity_quantity": "ELECTRIC.POWER.L1", "value": power_w}],
    }


def ok(message_id: str) -> Document:
    return {"message_type": "ReceptionStatus", "subject_message_id": message_id, "status": "OK"}


def pair() -> Pair:
    node = uuid4()
    rm, cem = (Target(role, node, "token") for role in (EnergyManagementRole.RM, EnergyManagementRole.CEM))
    made = Pair(uuid4(), EnvelopeRM(rm, tuple), BuildingCEM(cem, tuple))
    for peer in (made.rm, made.cem):
        peer.journal.begin()
    return made


def tell(speaker: Journal, listener: Journal | None, document: Document) -> None:
    """It is said, and heard unless `listener` is None."""
    speaker.note_said(json.dumps(document))
    if listener is not None:
        listener.note_heard(json.dumps(document))


def verdict_on(judged: Pair) -> Verdict:
    verdict = Verdict()
    _judge_pair(judged, verdict)
    return verdict


def test_finds_nothing_where_all_is_well() -> None:
    link = pair()
    tell(link.rm.journal, link.cem.journal, measurement("a"))
    tell(link.cem.journal, link.rm.journal, ok("a"))
    link.rm.executed["one"] = 1
    link.cem.issued.add("one")

    verdict = verdict_on(link)

    assert (verdict.acknowledged, verdict.executed, verdict.breaches) == (1, 1, [])


def test_finds_an_ok_for_what_nobody_heard() -> None:
    link = pair()
    tell(link.rm.journal, None, measurement("a"))
    link.rm.journal.note_heard(json.dumps(ok("a")))

    assert len(verdict_on(link).lost) == 1


def test_finds_an_ok_that_nobody_gave() -> None:
    link = pair()
    tell(link.rm.journal, link.cem.journal, measurement("a"))
    link.rm.journal.note_heard(json.dumps(ok("a")))

    assert len(verdict_on(link).lost) == 1


def test_finds_what_was_heard_and_never_said() -> None:
    link = pair()
    tell(link.rm.journal, None, measurement("a"))
    link.cem.journal.note_heard(json.dumps(measurement("a", 2.0)))

    assert len(verdict_on(link).foreign) == 1


def test_finds_an_instruction_that_was_executed_twice() -> None:
    link = pair()
    link.cem.issued.add("one")
    link.rm.executed["one"] = 2

    assert len(verdict_on(link).twice) == 1


def test_finds_what_the_store_does_not_have() -> None:
    journal = pair().rm.journal
    updated = {"message_type": "InstructionStatusUpdate", "message_id": "b", "instruction_id": "one"}
    journal.note_said(json.dumps(measurement("a")))
    journal.note_said(json.dumps(updated | {"status_type": "STARTED"}))

    assert _missing_in_store(journal.said["a"], set(), {})
    assert _missing_in_store(journal.said["b"], set(), {"one": "ACCEPTED"})
    assert _missing_in_store(journal.said["b"], set(), {"one": "SUCCEEDED"}) is None


def test_finds_an_old_snapshot() -> None:
    journal = pair().rm.journal
    for message_id in ("a", "b"):
        journal.note_said(json.dumps(measurement(message_id)))
        journal.note_heard(json.dumps(ok(message_id)))

    assert not _missing_in_snapshot("it", journal, {"PowerMeasurement": json.dumps(measurement("b"))})
    assert _missing_in_snapshot("it", journal, {"PowerMeasurement": json.dumps(measurement("a"))})
    assert _missing_in_snapshot("it", journal, None)
