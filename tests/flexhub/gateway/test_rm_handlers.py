"""Which events are worth a letter to a hosted RM."""

from __future__ import annotations

import pytest

from flexhub.gateway.rm_handlers import letters_of
from s2.events import (
    CloseRequested,
    ControlTypeSelected,
    Event,
    InstructionRevoked,
    InstructionUpdated,
    MessageReceived,
    MessageRefused,
    Opened,
)
from s2.ledger import LedgerEntry
from s2.messages import ControlType, ReceptionStatusValues, SelectControlType, dump_message
from s2.versions import WireProfile
from tests.support.gateway_inside import NOW
from tests.support.remote_cem import FRBC, instruction, revocation

OK = ReceptionStatusValues.OK
OURS = instruction(NOW)
ENTRY = LedgerEntry(OURS.id, OURS, NOW)
SELECTION = SelectControlType(message_id="m-1", control_type=FRBC)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([Opened(WireProfile.V1_0_0)], [("opened", "1.0.0")]),
        ([MessageReceived(SELECTION, OK), ControlTypeSelected(FRBC)], [("selected", "FILL_RATE_BASED_CONTROL")]),
        ([InstructionUpdated(ENTRY), MessageReceived(OURS, OK)], [("instruction", "as it came")]),
        ([MessageReceived(revocation(OURS), OK), InstructionRevoked(ENTRY)], [("revoked", "as it came")]),
        # Too late, so it takes nothing back.
        ([MessageReceived(revocation(OURS), OK)], []),
        # Understood, and rejected by the session itself, because it is outside of the offer.
        ([MessageRefused("", "PEBC.Instruction", "m-2", OK)], []),
        ([CloseRequested(1000, "session ended")], []),
    ],
)
def test_a_letter_for_each_thing_that_the_rm_has_to_know(events: list[Event], expected: list[tuple[str, str]]) -> None:
    assert letters_of(events, "as it came", WireProfile.V1_0_0) == expected


def test_what_was_rewritten_is_told_as_it_was_taken() -> None:
    events: list[Event] = [MessageReceived(OURS, OK, rewritten=True), ControlTypeSelected(ControlType.NO_SELECTION)]

    letters = letters_of(events, "as it came", None)

    assert letters == [("instruction", dump_message(OURS, WireProfile.V1_0_0)), ("selected", "NO_SELECTION")]
