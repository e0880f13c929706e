"""What colour an answer has on every page: red is what a person must notice."""

from __future__ import annotations

from collections.abc import Mapping

from cem_service.models import REFUSED_STATUSES, Instruction, LedgerStatus
from s2.messages import ReceptionStatusValues

STATUS_COLOURS: Mapping[str, str] = {
    LedgerStatus.NEW: "info",
    LedgerStatus.ACCEPTED: "info",
    LedgerStatus.STARTED: "primary",
    LedgerStatus.SUCCEEDED: "success",
    LedgerStatus.REVOKED: "warning",
    LedgerStatus.REPLACED: "info",
    LedgerStatus.UNDELIVERED: "danger",
    **dict.fromkeys(REFUSED_STATUSES, "danger"),
}
RECEPTION_COLOURS: Mapping[str, str] = {
    **dict.fromkeys(ReceptionStatusValues, "danger"),
    ReceptionStatusValues.OK: "success",
    # Worth repeating, and repeated by itself.
    ReceptionStatusValues.TEMPORARY_ERROR: "warning",
}


def trouble_with(instruction: Instruction) -> str:
    """In a word why this instruction had no effect; empty where that is not so, or not known yet."""
    if instruction.is_refused:
        return "refused"
    return "not delivered" if instruction.status == LedgerStatus.UNDELIVERED else ""
