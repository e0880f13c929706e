"""Attending to one hosted RM: all there is to do for it now.

Theory of operation. A round takes in the mail, or else a reading that is due, or else a moment that has come. What
follows from it is decided by `HostedResource` and stored in one transaction; only then is it published and executed:

    store      state, last letter, session, outbox, and when to come back; refused if another worker has stored since
    publish    the outbox, in order; then it is emptied
    execute    the commands, each followed by a decision of its own on what came of it

A worker may die between any two of these. Before `store` nothing has happened, and the mail is still there. Until the
outbox is empty the next one publishes it again, and the session drops what it has sent already. A command that was
stored and not executed is found by reading the device, and so is one whose answer got lost.

A worker may also be paused, and go on when another one has long taken over. Whatever it stores is refused by the
version of the row; what it publishes has been published by the other one; and before it executes a command it looks at
the version once more, when the client is connected and nothing but the write itself is left to do.

No vendor is called within a transaction of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db import DataError, OperationalError

from flexhub.bus import BusUnavailable
from flexhub.observability.failures import in_short, place_of
from rm_adapters import rows
from rm_adapters.catalogue import vendor_named
from rm_adapters.correspondence import Correspondence, store_decision
from rm_adapters.letters import hear
from rm_adapters.models import HostedRM
from rm_adapters.removal import remove_if_due
from rm_adapters.resource import HostedResource, Outcome
from rm_adapters.runtime import Tools
from rm_adapters.sdk import AdapterError, Command, Transient
from rm_adapters.vendor_calls import ERROR_CHARACTERS, VENDOR_TIMEOUT_S, CarefulMapping, VendorLine

log = structlog.get_logger(__name__)

# Real time. No round begins after the first; the lock outlives the longest call of the last one.
ATTENDANCE_S = 10.0
LOCK_S = ATTENDANCE_S + VENDOR_TIMEOUT_S + 5.0
#: A write that begins later might be under way when the lock has ended.
LATEST_WRITE_S = LOCK_S - VENDOR_TIMEOUT_S - 1.0
#: Rounds of one task. A CEM that talks without end must not keep a thread for itself.
MOST_ROUNDS = 50
#: How long a task that finds another one at work stays away.
BUSY_DELAY_S = 1.0
#: How long a task that found PostgreSQL away waits for it.
OUTAGE_DELAY_S = 5.0
#: How long a row is left alone that this release can make nothing of.
PUT_OFF_FOR = timedelta(minutes=1)

_Result = TypeVar("_Result")


def attend(tenant_id: UUID, node_id: UUID, *, tools: Tools) -> None:
    """Do what there is to do for a hosted RM now. Raises BusUnavailable, and Django's OperationalError."""
    started = tools.monotonic()
    with tools.bus.site_lock(node_id, LOCK_S) as ours:
        if not ours:
            # The one at work may have read the mail before what woke us arrived.
            tools.wake(tenant_id, node_id, delay_s=BUSY_DELAY_S)
            return
        row = rows.load(tenant_id, node_id)
        unfinished = row is not None and _attended(row, tools, started)
    if unfinished:
        tools.wake(tenant_id, node_id)


def attend_or_come_back(tenant_id: UUID, node_id: UUID, *, tools: Tools) -> None:
    """As `attend`. What was cut short because Redis or PostgreSQL was away is done as soon as both are back.

    Raises BusUnavailable, and Django's OperationalError, all the same.
    """
    try:
        attend(tenant_id, node_id, tools=tools)
    except BusUnavailable:
        rows.make_due(tenant_id, node_id, tools.clock.now())
        raise
    except OperationalError:
        tools.wake(tenant_id, node_id, delay_s=OUTAGE_DELAY_S)
        raise


def _attended(row: HostedRM, tools: Tools, started: float) -> bool:
    """Whether something was left to do."""
    try:
        return _tried(lambda: Attendance(row, tools, started)).run()
    except rows.Overtaken:
        log.info("rm.overtaken", node_id=str(row.pk))
    except _Undecided as error:
        _put_off(row, str(error), tools.clock.now())
    return False


def _put_off(row: HostedRM, error: str, now: datetime) -> None:
    """Logged once, however often it is tried again."""
    if row.last_error != error[:ERROR_CHARACTERS]:
        log.error("rm.put_off", node_id=str(row.pk), vendor=row.account.vendor, error=error)
    try:
        if not remove_if_due(row, now, free=False):
            trouble = {"failing_since": row.failing_since or now, "last_error": error[:ERROR_CHARACTERS]}
            rows.store(row, next_at=now + PUT_OFF_FOR, **trouble)
    except rows.Overtaken:
        log.info("rm.overtaken", node_id=str(row.pk))


class _Undecided(Exception):
    """Nothing could be decided: the state or the vendor's values are such that this release fails at them."""


def _tried(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - Adapters may be anybody's code, and rows those of a later release.
        raise _Undecided(f"the adapter has failed: {place_of(error)}") from None


class Attendance:
    """One task's work on one row. `started`: when it asked for the lock, in real seconds."""

    def __init__(self, row: HostedRM, tools: Tools, started: float) -> None:
        self._row = row
        self._tools = tools
        self._started = started
        self._now = tools.clock.now
        self._vendor = vendor_named(row.account.vendor)
        self._device = rows.device_of(row)
        self._line = VendorLine(self._vendor, row.account, self._now)
        self._letters = Correspondence(row, tools.bus)
        self._commands: list[Command] = []

    def run(self) -> bool:
        """Work until nothing is to be done now; whether something was left to do. Raises Overtaken, _Undecided."""
        rounds = 0
        while self._letters.publish():
            if self._commands:
                self._execute(self._commands.pop(0))
            elif rounds == MOST_ROUNDS or self._elapsed() > ATTENDANCE_S:
                return True
            elif not self._round():
                self._letters.drop_taken()
                if not remove_if_due(self._row, self._now(), free=self._resource().is_free):
                    self._come_back()
                return False
            rounds += 1
        return False  # The gateway's inbox is full. The row says that it is due, so somebody comes again.

    def _come_back(self) -> None:
        """See to it that somebody comes when time has passed, and not before: an outage may have made the row due."""
        row = self._row
        moment = None if self._rests() else rows.next_moment(row)
        if row.next_at != moment:
            rows.store(row, next_at=moment)
        if moment is not None:
            self._tools.wake_at(row.tenant_id, row.pk, moment)

    def _rests(self) -> bool:
        """Whether nobody comes any more: its tenant is off, and the device has been given back to itself."""
        row = self._row
        at_work = row.session_token is not None or row.remove_by is not None
        return not (row.tenant.is_active or at_work) and self._resource().is_free

    def _round(self) -> bool:
        """Do one thing, if there is one."""
        row, now = self._row, self._now()
        if self._took_mail():
            return True
        if row.read_at is not None and row.read_at <= now:
            self._read()
            return True
        if row.due_at is not None and row.due_at <= now:
            self._decide(lambda resource: resource.due(now))
            return True
        return False

    def _took_mail(self) -> bool:
        row, bag = self._row, self._letters.mail()
        if not self._letters.brings_news(bag):
            return False
        resource = self._resource()
        heard = _tried(lambda: hear(resource, row.session_token, row.last_letter, bag, self._now()))
        for letter_id, reason in heard.unreadable:
            log.error("rm.letter_unreadable", node_id=str(row.pk), letter=letter_id, reason=reason)
        place = {"session_token": heard.session, "last_letter": heard.last_letter}
        if heard.outcome is None:
            rows.store(row, **place)
        else:
            self._keep(resource, heard.outcome, **place)
        return True

    def _read(self) -> None:
        try:
            snapshot = self._line.read(self._device)
        except AdapterError as error:
            self._fail(error)
            return
        try:
            self._decide(lambda resource: resource.read(snapshot, self._now()), **self._recovered())
        except _Undecided as error:
            self._fail(Transient(str(error)))

    def _execute(self, command: Command) -> None:
        if self._elapsed() > LATEST_WRITE_S:
            return  # We were paused. That nothing was written, the next reading tells.
        try:
            ack = self._line.execute(self._device, command, lambda: rows.check_current(self._row))
        except AdapterError as error:
            self._fail(error)
        else:
            self._decide(lambda resource: resource.acknowledged(ack, self._now()))

    def _fail(self, error: AdapterError) -> None:
        """A call has failed. The first failure and the recovery are logged, and nothing in between."""
        row, now = self._row, self._now()
        text = in_short(error, ERROR_CHARACTERS)
        if row.failing_since is None:
            log.warning("rm.vendor_failing", node_id=str(row.pk), vendor=row.account.vendor, error=text)
        trouble = {"failing_since": row.failing_since or now, "last_error": text}
        self._decide(lambda resource: resource.failed(error, now), **trouble)

    def _recovered(self) -> dict[str, Any]:
        row = self._row
        if row.failing_since is None:
            return {}
        log.info("rm.vendor_recovered", node_id=str(row.pk), vendor=row.account.vendor)
        return {"failing_since": None, "last_error": ""}

    def _decide(self, event: Callable[[HostedResource], Outcome], **changes: Any) -> None:
        resource = self._resource()
        self._keep(resource, _tried(lambda: event(resource)), **changes)

    def _keep(self, resource: HostedResource, outcome: Outcome, **changes: Any) -> None:
        try:
            store_decision(self._row, resource, outcome, self._now(), **changes)
        except DataError:
            raise _Undecided("a value of the adapter is none that JSON can hold") from None
        self._commands += outcome.commands
        for instruction_id, refusal in outcome.refusals:
            reason = {"reason": refusal.reason.value, "text": refusal.text}
            log.info("rm.refused", node_id=str(self._row.pk), instruction_id=instruction_id, **reason)

    def _resource(self) -> HostedResource:
        row = self._row
        return _tried(
            lambda: HostedResource(
                CarefulMapping(self._vendor.adapter, row.account.vendor),
                self._vendor.manifest,
                self._device,
                preferences=rows.preferences_of(row),
                state=row.state,
                new_id=self._tools.new_id,
            )
        )

    def _elapsed(self) -> float:
        return self._tools.monotonic() - self._started
