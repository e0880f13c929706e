from __future__ import annotations

import pytest

from cem_service.labels import RECEPTION_COLOURS, STATUS_COLOURS, trouble_with
from cem_service.models import REFUSED_STATUSES, Instruction, LedgerStatus
from s2.messages import ReceptionStatusValues


def test_what_a_person_must_notice_is_red_and_nothing_else() -> None:
    red = {status for status, colour in STATUS_COLOURS.items() if colour == "danger"}

    assert red == REFUSED_STATUSES | {LedgerStatus.UNDELIVERED}
    assert RECEPTION_COLOURS["OK"] == "success"
    assert RECEPTION_COLOURS.keys() == set(ReceptionStatusValues)


@pytest.mark.parametrize(
    ("status", "reception", "trouble"),
    [
        ("SUCCEEDED", "OK", ""),
        ("ISSUED", "", ""),
        ("REVOKED", "OK", ""),
        ("REPLACED", "OK", ""),
        ("ABORTED", "OK", "refused"),
        ("REJECTED", "OK", "refused"),
        ("ISSUED", "INVALID_CONTENT", "refused"),
        ("UNDELIVERED", "", "not delivered"),
    ],
)
def test_trouble_is_a_refusal_or_a_lost_delivery(status: str, reception: str, trouble: str) -> None:
    assert trouble_with(Instruction(status=status, reception=reception)) == trouble
