"""From instructions to writes, and from readings to what became of them.

Theory of operation. A device has one write at a time. A write is sent once; what became of it, only a reading tells
that was observed afterwards:

    the effect shows             done: the instruction has STARTED, and SUCCEEDED unless it goes on
    it does not, and no answer   the write was lost: send it again, a few times at most
    it does not, though answered wait until `confirm_within` is over, then ABORTED

One that was observed at the very time of the write tells nothing: clouds round their times.

So a lost answer, a crash of the worker and a cloud that takes its time are one and the same case, and nothing is
written twice on a suspicion. While a write is out, later instructions wait. To give the device back is a loop of the
same kind: ask the adapter what is left to undo, write that, read, until nothing is left; it does not give up.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rm_adapters import guard
from rm_adapters.contract import breach
from rm_adapters.orders import ENVELOPE, begin_of, from_now_on, lane_of, lasts, next_step, status_in
from rm_adapters.sdk import Command, Reason, Reject, Snapshot
from rm_adapters.state import InForce, Order, Write
from rm_adapters.turn import Freshness, Turn
from s2.messages import (
    InstructionStatus,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)

#: So long an instruction waits for a timer or for the time between two writes, rather than being refused.
HOLD = timedelta(minutes=1)

#: How often a write is sent whose answer is lost each time.
MAX_ATTEMPTS = 3

_DAY = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)
_OFF_LIMITS = frozenset({Reason.COMFORT, Reason.SAFETY, Reason.DURABILITY})
_ENDS = {
    PPBCPowerSequenceStatus.FINISHED: InstructionStatus.SUCCEEDED,
    PPBCPowerSequenceStatus.ABORTED: InstructionStatus.ABORTED,
}


def planned(turn: Turn, order: Order) -> Command | Reject | None:
    """What is to be written for the order now; None where it is over."""
    snapshot, flex, offer = turn.state.snapshot, turn.flex, turn.offer
    if snapshot is None or flex is None or offer is None:
        return Reject(Reason.AVAILABILITY, "the device cannot be relied on now")
    instruction = from_now_on(order.instruction, begin_of(order.instruction, order.taken_at), turn.now)
    if instruction is None:
        return None
    refusal = breach(instruction, offer, turn.state.activities, turn.state.timers, turn.now)
    if refusal is not None:
        return refusal
    command = turn.resource.mapping.plan(turn.resource.device, snapshot, flex, instruction)
    if isinstance(command, Reject):
        return command
    abnormal = instruction.abnormal_condition
    if _shows(turn, command):  # Nothing will be written, so only the bounds count.
        return guard.overstepped(command, snapshot, turn.limits, abnormal=abnormal) or command
    return guard.judge(command, snapshot, turn.limits, turn.state.writes, turn.now, abnormal=abnormal) or command


def is_worth_waiting(turn: Turn, refusal: Reject) -> bool:
    return refusal.until is not None and turn.now < refusal.until <= turn.now + HOLD


def work(turn: Turn) -> None:
    """Do all that can be done without another reading."""
    _give_up_late_write(turn)
    _begin_release(turn)
    _free_from_old_envelopes(turn)
    if turn.state.releasing and turn.state.write is None:
        _release_next(turn)
    while turn.state.write is None and not turn.state.releasing:
        order = _next_due(turn)
        if order is None:
            break
        _carry_out(turn, order)
    _end_waiting(turn)
    _send(turn)


def take_reading(turn: Turn, snapshot: Snapshot) -> None:
    """Learn from a reading what became of the write, of what is in force, and of what goes on by itself."""
    if turn.state.write is not None:
        _judge_write(turn, turn.state.write, snapshot)
    _watch_bounds(turn, snapshot)
    _notice_takeover(turn, snapshot)
    offer = turn.offer
    for order in turn.state.orders:
        if offer is not None and order.started and isinstance(order.instruction, PPBCScheduleInstruction):
            status = status_in(offer.reports, order.instruction)
            if status is not None and status.status in _ENDS:
                turn.advance(order, _ENDS[status.status])
                _forget_force(turn, lane_of(order.instruction))


def abort_all(turn: Turn) -> None:
    """Nothing that was promised can be kept; what has begun is given back as soon as that is possible."""
    begun = turn.state.write is not None or any(each.started for each in turn.state.orders)
    for order in turn.state.orders:
        turn.advance(order, InstructionStatus.ABORTED)
    if begun:
        turn.change(releasing=True)


def refused_by_vendor(turn: Turn, text: str) -> None:
    """The vendor has answered the write with a no."""
    write = turn.state.write
    order = turn.state.order(write.order_id) if write is not None else None
    turn.change(write=None)
    if order is not None:
        turn.refuse(order, Reject(Reason.AVAILABILITY, text or "the vendor has refused the write"))


def _next_due(turn: Turn) -> Order | None:
    due = [each for each in turn.state.orders if each.due_at <= turn.now]
    return min(due, key=lambda each: (each.due_at, each.taken_at), default=None)


def _carry_out(turn: Turn, order: Order) -> None:
    command = planned(turn, order)
    lane = lane_of(order.instruction)
    if command is None:
        turn.advance(order, InstructionStatus.SUCCEEDED if order.started else InstructionStatus.ABORTED)
        _free_from_old_envelopes(turn)
        return
    if isinstance(command, Reject):
        if is_worth_waiting(turn, command) and command.until is not None:
            turn.state = turn.state.with_order(replace(order, due_at=command.until))
        else:
            turn.refuse(order, command)
            _free_from_old_envelopes(turn)
        return
    _replace_others(turn, order, lane)
    order = replace(order, due_at=_sleep_until(turn, order), planned=True)
    turn.state = turn.state.with_order(order)
    write = Write(command=command, lane=lane, order_id=order.id, abnormal=order.instruction.abnormal_condition)
    if _shows(turn, command):
        _take_effect(turn, write)
    else:
        turn.change(write=write)


def _sleep_until(turn: Turn, order: Order) -> datetime:
    """When the order has to be looked at again: at its next element, or never by itself."""
    begin = begin_of(order.instruction, order.taken_at)
    return next_step(order.instruction, begin, turn.now) or _NEVER


def _replace_others(turn: Turn, order: Order, lane: str) -> None:
    for other in turn.state.orders:
        if other.id != order.id and other.planned and lane_of(other.instruction) == lane:
            turn.advance(other, InstructionStatus.ABORTED)


def _shows(turn: Turn, command: Command) -> bool:
    """Whether the device does already what the command wants, by a reading that can be relied on."""
    snapshot, writes = turn.state.snapshot, turn.state.writes
    if snapshot is None or turn.freshness is not Freshness.FRESH or (writes and snapshot.observed_at <= writes[-1]):
        return False
    return turn.resource.mapping.confirmed(turn.resource.device, command, snapshot) is True


def _send(turn: Turn) -> None:
    """Hand the write to the shell, unless it is out, or the last one was only just made."""
    write = turn.state.write
    if write is None or write.sent_at is not None or not may_write(turn):
        return
    state, now = turn.state, turn.now
    turn.change(
        write=replace(
            write, sent_at=now, first_sent_at=write.first_sent_at or now, answered=False, attempts=write.attempts + 1
        ),
        writes=_worth_remembering(turn),
        original=state.original or state.snapshot,
    )
    if write.order_id is not None and set(state.in_force) <= {write.lane}:
        turn.change(release_at=None)
    turn.commands.append(write.command)


def _worth_remembering(turn: Turn) -> tuple[datetime, ...]:
    """The writes of the last day with the one of now, as many as there is a limit to."""
    today = (*(each for each in turn.state.writes if turn.now - each < _DAY), turn.now)
    return today[-(turn.limits.max_writes_a_day or 1) :]


def may_write(turn: Turn) -> bool:
    writes = turn.state.writes
    return not writes or turn.now - writes[-1] >= turn.manners.min_interval


def _judge_write(turn: Turn, write: Write, snapshot: Snapshot) -> None:
    if write.sent_at is None or snapshot.observed_at <= write.sent_at:
        return
    verdict = turn.resource.mapping.confirmed(turn.resource.device, write.command, snapshot)
    if verdict is True:
        _take_effect(turn, write)
    elif verdict is False and not write.answered and snapshot.observed_at - write.sent_at >= turn.manners.settle:
        if write.order_id is not None and turn.state.order(write.order_id) is None:
            turn.change(write=None)  # Nobody wants it any more.
        elif write.attempts < MAX_ATTEMPTS:
            turn.change(write=replace(write, sent_at=None))
        else:
            _give_up(turn, write)


def _take_effect(turn: Turn, write: Write) -> None:
    turn.change(write=None)
    if write.order_id is None:
        return
    force = InForce(command=write.command, abnormal=write.abnormal)
    turn.change(
        in_force={**turn.state.in_force, write.lane: force}, original=turn.state.original or turn.state.snapshot
    )
    order = turn.state.order(write.order_id)
    if order is None:
        turn.change(releasing=True)
        return
    if not order.started:
        turn.advance(order, InstructionStatus.STARTED)
    if not lasts(order.instruction):
        turn.advance(order, InstructionStatus.SUCCEEDED)


def _give_up_late_write(turn: Turn) -> None:
    write = turn.state.write
    if write is None or write.first_sent_at is None:
        return
    if turn.now - write.first_sent_at >= turn.manners.confirm_within:
        _give_up(turn, write)


def _give_up(turn: Turn, write: Write) -> None:
    """The effect did not come. The device is brought to a known state: its own."""
    order = turn.state.order(write.order_id)
    turn.change(write=None, releasing=True)
    if order is not None:
        turn.refuse(order, Reject(Reason.AVAILABILITY, "the device does not show the effect in time"))


def _end_waiting(turn: Turn) -> None:
    """An order that could not even be tried in time is not tried later."""
    patience = turn.manners.confirm_within + HOLD
    for order in turn.state.orders:
        if not order.planned and turn.now - order.due_at >= patience:
            turn.refuse(order, Reject(Reason.AVAILABILITY, "the device was busy or out of reach for too long"))


def _begin_release(turn: Turn) -> None:
    if turn.state.release_at is not None and turn.state.release_at <= turn.now:
        turn.change(release_at=None, releasing=True)


def _free_from_old_envelopes(turn: Turn) -> None:
    """An envelope holds as long as its instruction: over, replaced in vain or taken back, it binds no more (R-82)."""
    state = turn.state
    if ENVELOPE not in state.in_force or state.release_at is not None:
        return
    lanes = [lane_of(each.instruction) for each in state.orders if each.planned or each.due_at - turn.now <= HOLD]
    if ENVELOPE not in lanes:
        turn.change(releasing=True)


def _release_next(turn: Turn) -> None:
    """Write the next thing that is left to undo, judged by a reading after our last write."""
    state = turn.state
    if state.snapshot is None or state.original is None:
        turn.change(releasing=False, in_force={})
        return
    if turn.freshness is not Freshness.FRESH or (state.writes and state.snapshot.observed_at <= state.writes[-1]):
        return
    left = turn.resource.mapping.release(turn.resource.device, state.snapshot, state.original)
    if left:
        turn.change(write=Write(command=left[0]))
    else:
        turn.change(releasing=False, in_force={}, original=None)


def _watch_bounds(turn: Turn, snapshot: Snapshot) -> None:
    """End what drives a reading beyond its bounds by now, however right it was when it began."""
    for lane, force in turn.state.in_force.items():
        refusal = guard.overstepped(force.command, snapshot, turn.limits, abnormal=force.abnormal)
        if refusal is None or refusal.reason not in _OFF_LIMITS:
            continue
        turn.change(releasing=True)
        for order in turn.state.orders:
            if order.planned and lane_of(order.instruction) == lane:
                turn.refuse(order, refusal)


def _notice_takeover(turn: Turn, snapshot: Snapshot) -> None:
    """Where somebody else has changed what the device does, nobody fights for it, and nothing is to be given back."""
    writes = turn.state.writes
    if turn.state.write is not None or turn.state.releasing:
        return
    if writes and snapshot.observed_at - writes[-1] < turn.manners.settle:
        return
    for lane, force in turn.state.in_force.items():
        if turn.resource.mapping.confirmed(turn.resource.device, force.command, snapshot) is not False:
            continue
        _forget_force(turn, lane)
        for order in turn.state.orders:
            if order.started and lane_of(order.instruction) == lane:
                turn.refuse(order, Reject(Reason.AVAILABILITY, "somebody else has changed what the device does"))


def _forget_force(turn: Turn, lane: str) -> None:
    left = {key: each for key, each in turn.state.in_force.items() if key != lane}
    turn.change(in_force=left, original=turn.state.original if left or turn.state.write else None)
