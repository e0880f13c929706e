"""Turning decisions into ledger rows and messages on the bus.

The row is committed before the message leaves, so that nothing a device does is unknown here. Between the two a worker
may die: then the row stays ISSUED, the device never saw it, and the next look at the site decides afresh. What was
published carries the fencing token of the session that it was decided for, so it cannot reach a later one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction

from cem_service.domain.decision import Decision
from cem_service.loading import LoadedSite
from cem_service.models import Instruction, LedgerStatus, PlanRun
from cem_service.phrases import DEFAULT, sentence
from cem_service.plan_runs import store_run
from cem_service.prepared import PreparedInsert
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.errors import BusUnavailable
from flexhub.bus.ports import WorkerBus
from s2.messages import ControlType, RevokeObject, SelectControlType, dump_message
from s2.messages import Instruction as S2Instruction
from s2.versions import WireProfile
from tenants.scope import tenant_scope

log = structlog.get_logger(__name__)

_STORE = PreparedInsert(Instruction)


def issue(loaded: LoadedSite, run: PlanRun, decisions: Sequence[Decision], *, bus: WorkerBus) -> None:
    """Write the plan run and an instruction for each decision in one transaction, then publish the instructions."""
    now = loaded.state.now
    rows = [_row(loaded, run, decision) for decision in decisions]
    with tenant_scope(loaded.tenant_id):
        store_run(run)
        _STORE(rows)
        transaction.on_commit(lambda: _publish_all(loaded, rows, decisions, bus=bus, now=now))


def select_control_type(
    loaded: LoadedSite, link_id: UUID, control_type: ControlType, *, message_id: str, bus: WorkerBus
) -> None:
    """Ask a resource for a control type. Not in the ledger: it is a matter of the session, not an instruction."""
    message = SelectControlType(message_id=message_id, control_type=control_type)
    text = dump_message(message, _profile(loaded, link_id))
    result = bus.publish(link_id, Envelope(link_id, "message", text, message_id, loaded.token(link_id)))
    log.info("cem.select", link_id=str(link_id), control_type=control_type.value, result=result.value)


def _row(loaded: LoadedSite, run: PlanRun, decision: Decision) -> Instruction:
    now = loaded.state.now
    text = dump_message(decision.message, _profile(loaded, decision.link_id))
    return Instruction(
        id=UUID(decision.message.id),
        tenant_id=loaded.tenant_id,
        site_id=loaded.state.site_id,
        link_id=decision.link_id,
        plan_run=run,
        seat_token=loaded.token(decision.link_id),
        message_type=decision.message.message_type,
        message=json.loads(text),
        objective=decision.objective.value,
        reason=sentence(decision.reason, DEFAULT, ZoneInfo(loaded.state.timezone)),
        reason_data=decision.reason.as_dict(),
        expected_power_w=decision.expected_power_w,
        power_before_w=decision.power_before_w,
        issued_at=now,
        ends_at=decision.until,
        status=LedgerStatus.ISSUED,
        status_at=now,
    )


def _publish_all(
    loaded: LoadedSite, rows: Sequence[Instruction], decisions: Sequence[Decision], *, bus: WorkerBus, now: datetime
) -> None:
    envelopes = [
        _envelope(loaded, row, message)
        for row, decision in zip(rows, decisions, strict=True)
        for message in (*decision.revocations, decision.message)
    ]
    delivered = _delivered(envelopes, bus)
    undelivered = [row.id for row in rows if row.message["message_id"] not in delivered]
    if undelivered:
        with tenant_scope(loaded.tenant_id):
            # Only what is still ISSUED: the device's own answer, should there be one after all, outranks this.
            Instruction.objects.filter(id__in=undelivered, status=LedgerStatus.ISSUED).update(
                status=LedgerStatus.UNDELIVERED, status_at=now
            )


def _envelope(loaded: LoadedSite, row: Instruction, message: S2Instruction | RevokeObject) -> Envelope:
    """To the session for which the row was decided."""
    text = dump_message(message, _profile(loaded, row.link_id))
    return Envelope(row.link_id, "message", text, message.message_id, row.seat_token)


def _delivered(envelopes: Sequence[Envelope], bus: WorkerBus) -> set[str]:
    """The ids of the messages that reached an inbox."""
    try:
        results = bus.publish_all(envelopes)
    except BusUnavailable as error:
        log.warning("cem.publish_failed", messages=[each.message_id for each in envelopes], error=str(error))
        return set()
    delivered = set()
    for envelope, result in zip(envelopes, results, strict=True):
        if result is PublishResult.DELIVERED:
            delivered.add(envelope.message_id)
        else:
            log.info("cem.not_delivered", message_id=envelope.message_id, result=result.value)
    return delivered


def _profile(loaded: LoadedSite, link_id: UUID) -> WireProfile:
    # A snapshot without a profile is of a session that has just begun; nothing is decided for it, but a profile that
    # got lost must not stop the site. The two differ in no message that a CEM sends.
    return loaded.snapshots[link_id].profile or WireProfile.V1_0_0
