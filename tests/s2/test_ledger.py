"""The instruction ledger."""

from typing import cast

from s2.findings import Finding, Severity
from s2.ledger import MOST_FINDINGS, InstructionLedger
from s2.messages import FRBCInstruction, InstructionStatus, PEBCInstruction, ReceptionStatusValues
from tests.support.s2_sessions import NOW, at, message


def instruction(instruction_id: str) -> FRBCInstruction:
    return cast(FRBCInstruction, message("FRBC.Instruction", id=instruction_id))


def test_keeps_both_verdicts_in_either_order() -> None:
    ledger = InstructionLedger()
    sent = instruction("i-1")
    ledger.add(sent, NOW)

    ledger.update("i-1", InstructionStatus.STARTED, at(1))
    entry = ledger.receive(sent, ReceptionStatusValues.OK)

    assert entry is not None
    assert (entry.reception, entry.status, entry.status_at) == (
        ReceptionStatusValues.OK,
        InstructionStatus.STARTED,
        at(1),
    )
    assert not entry.ended


def test_a_status_does_not_move_backwards() -> None:
    ledger = InstructionLedger()
    ledger.add(instruction("i-1"), NOW)
    ledger.update("i-1", InstructionStatus.SUCCEEDED, at(1))

    entry = ledger.update("i-1", InstructionStatus.STARTED, at(2))

    assert entry is not None
    assert entry.status is InstructionStatus.SUCCEEDED
    assert entry.status_at == at(1)


def test_an_unusable_instruction_has_ended_and_counts_as_refused() -> None:
    ledger = InstructionLedger()
    sent = instruction("i-1")
    ledger.add(sent, NOW)

    entry = ledger.receive(sent, ReceptionStatusValues.INVALID_CONTENT)

    assert entry is not None
    assert entry.ended
    assert entry.refused
    assert ledger.open_entries() == ()


def test_what_we_ended_ourselves_may_still_report_its_real_end() -> None:
    ledger = InstructionLedger()
    ledger.add(instruction("i-1"), NOW)
    (ended,) = ledger.end_open(at(1))

    reported = ledger.update("i-1", InstructionStatus.SUCCEEDED, at(2))

    assert ended.ended_locally
    assert ended.status is InstructionStatus.ABORTED
    assert reported is not None
    assert (reported.status, reported.ended_locally) == (InstructionStatus.SUCCEEDED, False)


def test_a_withdrawn_instruction_stays_open_until_the_device_says_what_became_of_it() -> None:
    ledger = InstructionLedger()
    ledger.add(instruction("i-1"), NOW)

    withdrawn = ledger.withdraw("i-1")
    ended = ledger.update("i-1", InstructionStatus.REVOKED, at(1))

    assert withdrawn is not None
    assert withdrawn.withdrawn
    assert not withdrawn.ended
    assert ended is not None
    assert ended.ended
    assert ledger.withdraw("i-1") is None


def test_knows_nothing_of_others() -> None:
    ledger = InstructionLedger()

    assert not ledger.knows("i-1")
    assert ledger.update("i-1", InstructionStatus.STARTED, NOW) is None
    assert ledger.receive(instruction("i-1"), ReceptionStatusValues.OK) is None


def test_tells_what_was_not_refused_newest_first() -> None:
    ledger = InstructionLedger()
    for number in range(4):
        ledger.add(instruction(f"i-{number}"), at(number))
    ledger.update("i-0", InstructionStatus.SUCCEEDED, at(5))
    assert [entry.id for entry, _ in ledger.taken(FRBCInstruction)] == ["i-3", "i-2", "i-1", "i-0"]

    ledger.update("i-2", InstructionStatus.REJECTED, at(5))

    assert [entry.id for entry, _ in ledger.taken(FRBCInstruction)] == ["i-3", "i-1", "i-0"]
    assert ledger.taken(PEBCInstruction) == ()


def test_is_bounded_and_evicts_ended_entries_first() -> None:
    ledger = InstructionLedger(capacity=10, ended_capacity=2)
    for number in range(8):
        ledger.add(instruction(f"i-{number}"), NOW)
    for number in range(4):
        ledger.update(f"i-{number}", InstructionStatus.SUCCEEDED, NOW)

    assert [entry.id for entry in ledger] == ["i-2", "i-3", "i-4", "i-5", "i-6", "i-7"]
    assert ledger.knows("i-0")


def test_open_entries_are_bounded_too() -> None:
    ledger = InstructionLedger(capacity=3)
    for number in range(5):
        ledger.add(instruction(f"i-{number}"), NOW)

    assert [entry.id for entry in ledger.open_entries()] == ["i-2", "i-3", "i-4"]
    assert len(ledger) == 3


def test_a_device_that_repeats_itself_adds_no_findings_without_end() -> None:
    ledger = InstructionLedger()
    ledger.add(instruction("i-1"), NOW)
    for number in range(1000):
        finding = Finding("R-37", Severity.WARNING, f"report {number}")
        entry = ledger.update("i-1", InstructionStatus.SUCCEEDED, at(1), (finding,))

    assert entry is not None
    assert len(entry.findings) == MOST_FINDINGS
    assert entry.findings[0].text == "report 0"
