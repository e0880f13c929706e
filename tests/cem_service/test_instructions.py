from __future__ import annotations

from datetime import timedelta

from cem_service.instructions import (
    Envelope,
    ddbc_instruction,
    frbc_instruction,
    ombc_instruction,
    pebc_instruction,
    ppbc_instruction,
)
from s2.messages import (
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
    dump_message,
    parse_message,
)
from s2.versions import WireProfile
from tests.support.resources import L1, NOON, new_id

HOUR = timedelta(hours=1)


def test_all_instructions_travel_and_claim_no_abnormal_condition() -> None:
    built = (
        frbc_instruction(actuator_id="a1", mode_id="m1", factor=0.5, execution_time=NOON, new_id=new_id),
        ombc_instruction(mode_id="m1", factor=0.5, execution_time=NOON, new_id=new_id),
        ddbc_instruction(actuator_id="a1", mode_id="m1", factor=0.5, execution_time=NOON, new_id=new_id),
        pebc_instruction(
            constraints_id="c1",
            elements=[(timedelta(minutes=30), (Envelope(L1, -1000.0, 0.0),)), (HOUR, (Envelope(L1, -2000.0, 0.0),))],
            execution_time=NOON,
            new_id=new_id,
        ),
        *(
            ppbc_instruction(
                kind, profile_id="p1", container_id="c1", sequence_id="s1", execution_time=NOON, new_id=new_id
            )
            for kind in (
                PPBCScheduleInstruction,
                PPBCStartInterruptionInstruction,
                PPBCEndInterruptionInstruction,
            )
        ),
    )

    for instruction in built:
        assert parse_message(dump_message(instruction, WireProfile.V1_0_0), WireProfile.V1_0_0) == instruction
        assert instruction.abnormal_condition is False
        assert instruction.id != instruction.message_id
