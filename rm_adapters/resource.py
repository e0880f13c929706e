"""The RM of one hosted device, without I/O and without a clock: what happens goes in, what is to be done comes out.

Theory of operation. The Session, which speaks for the RM, lives elsewhere; here is decided what it says. Each call
brings one thing that has happened, and returns an `Outcome`: messages for the session, in this order; commands for the
adapter; when to call `due`, and when to read the device. Between two calls the state lies in a database row, so a call
may be made by another process than the one before.

    Turn         one call: the state as it changes, what to say and to do
    contract     whether an instruction can be carried out by what was offered: transitions, timers
    execution    instructions to writes, readings to what became of them, giving the device back
    guard        the last word on each write
    publishing   what of an offer is news to the CEM
    schedule     when to be called and when to read

What the shell has to keep: store the state of `dump` before it sends a message or executes a command of the outcome.
Execute a command once, and then call `acknowledged` or `failed`; after a crash in between, do nothing: the next reading
tells. Hand in what the session tells in the order in which it happened. A message that the session refuses to send
because the CEM has selected another control type meanwhile is dropped; all is said anew then. Where anything else keeps
a message from being sent, end the session: the next one begins from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rm_adapters import execution, publishing
from rm_adapters.contract import observed
from rm_adapters.orders import lane_of, with_schedules
from rm_adapters.schedule import next_call, next_reading, pause_after
from rm_adapters.sdk import (
    Ack,
    AdapterError,
    AuthGone,
    Command,
    Device,
    Flex,
    Manifest,
    Offer,
    Offline,
    Preferences,
    Reject,
    Snapshot,
    Stale,
    Transient,
    VendorMapping,
)
from rm_adapters.state import Link, Order, State, dump, load
from rm_adapters.turn import Freshness, Resource, Turn
from s2.messages import (
    ControlType,
    Instruction,
    InstructionStatus,
    Message,
    PowerMeasurement,
    PowerValue,
    PPBCPowerProfileStatus,
    PPBCScheduleInstruction,
    RevokableObjects,
    SessionRequest,
    SessionRequestType,
)
from s2.versions import WireProfile

#: A power that has changed by less than this share is no news before its time.
_POWER_NEWS = 0.01

_NO_CONTROL = (ControlType.NO_SELECTION, ControlType.NOT_CONTROLABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a call leads to. `refusals` are the instructions that were refused or given up, with the reason."""

    messages: tuple[Message, ...] = ()
    commands: tuple[Command, ...] = ()
    refusals: tuple[tuple[str, Reject], ...] = ()
    due_at: datetime | None = None
    read_at: datetime | None = None


class HostedResource:
    """One device behind one link. `state` is what `dump` of a former instance returned; None for a new device."""

    def __init__(
        self,
        mapping: VendorMapping,
        manifest: Manifest,
        device: Device,
        *,
        preferences: Preferences | None = None,
        state: Mapping[str, Any] | None = None,
        new_id: Callable[[], str],
    ) -> None:
        self._resource = Resource(mapping, manifest, device, preferences or Preferences(), new_id)
        self._state = State() if state is None else load(state)

    def dump(self) -> dict[str, Any]:
        """The state, as JSON can hold it."""
        return dump(self._state)

    @property
    def profile(self) -> WireProfile | None:
        """The version that was agreed for the session; None while there is none."""
        link = self._state.link
        return None if link is None else link.profile

    @property
    def observed_at(self) -> datetime | None:
        """When the device made the last reading; None before the first."""
        snapshot = self._state.snapshot
        return None if snapshot is None else snapshot.observed_at

    @property
    def is_free(self) -> bool:
        """Whether the device is its own master: nothing of ours holds, is on its way, or is left to undo."""
        state = self._state
        ours = (state.write, state.original, state.release_at)
        return not state.releasing and not state.in_force and all(each is None for each in ours)

    def opened(self, now: datetime, profile: WireProfile) -> Outcome:
        """A session has begun. Nothing of the one before counts in it."""
        turn = self._turn(now)
        self._let_go(turn)
        turn.change(link=Link(profile=profile), unauthorised=False)
        return self._end(turn)

    def selected(self, control_type: ControlType, now: datetime) -> Outcome:
        """The CEM has selected a control type; what it instructed before is over."""
        turn = self._turn(now)
        link = turn.state.link
        if link is not None:
            none = control_type in _NO_CONTROL
            self._let_go(turn, timedelta() if none else None)
            link = publishing.published_anew(replace(link, control_type=None if none else control_type))
            turn.change(link=link)
        return self._end(turn)

    def instructed(self, instruction: Instruction, now: datetime) -> Outcome:
        """The session has accepted an instruction of the CEM."""
        turn = self._turn(now)
        order = Order.of(instruction, now)
        refusal = self._refusal(turn, order)
        if refusal is not None:
            turn.refusals.append((instruction.id, refusal))
            turn.tell(instruction.id, InstructionStatus.REJECTED)
            return self._end(turn)
        turn.tell(instruction.id, InstructionStatus.ACCEPTED)
        lane = lane_of(instruction)
        for other in turn.state.orders:
            if lane_of(other.instruction) == lane and not other.planned and other.due_at >= order.due_at:
                turn.advance(other, InstructionStatus.ABORTED)
        turn.state = turn.state.with_order(order)
        return self._end(turn)

    def revoked(self, object_type: RevokableObjects, object_id: str, now: datetime) -> Outcome:
        """The CEM has taken back an instruction that had not ended. A program that runs is not stopped any more."""
        turn = self._turn(now)
        order = turn.state.order(object_id)
        if order is None or order.instruction.message_type != object_type.value:
            return self._end(turn)
        if order.started and isinstance(order.instruction, PPBCScheduleInstruction):
            return self._end(turn)
        turn.advance(order, InstructionStatus.REVOKED)
        write = turn.state.write
        unsent = write is not None and write.order_id == order.id and write.first_sent_at is None
        if unsent:
            turn.change(write=None)
        if order.started or (order.planned and not unsent):
            turn.change(releasing=True)
        return self._end(turn)

    def read(self, snapshot: Snapshot, now: datetime) -> Outcome:
        """The device was read. A reading older than the last one teaches nothing."""
        turn = self._turn(now)
        snapshot = replace(snapshot, observed_at=min(snapshot.observed_at, now))  # A clock may be ahead of ours.
        former = turn.state.snapshot
        turn.change(read_at=now, failures=0, retry_at=None, offline=not snapshot.online)
        if former is None or snapshot.observed_at >= former.observed_at:
            turn.change(snapshot=snapshot)
            if turn.flex is not None:
                state, moment = turn.state, snapshot.observed_at
                activities, timers = observed(turn.flex, state.activities, state.timers, moment)
                turn.change(activities=activities, timers=timers)
            if turn.freshness is not Freshness.GONE:
                execution.take_reading(turn, snapshot)
        return self._end(turn)

    def failed(self, error: AdapterError, now: datetime) -> Outcome:
        """A reading or a write has failed. Whether a write had its effect stays open until the next reading."""
        turn = self._turn(now)
        failures = turn.state.failures + 1
        pause = pause_after(failures)
        match error:
            case Offline():
                turn.change(offline=True)
            case AuthGone():
                turn.change(unauthorised=True)
            case Transient() if error.retry_after is not None:
                pause = error.retry_after
            case Stale():
                pause = self._resource.manifest.poll.normal
        turn.change(failures=failures, retry_at=now + pause)
        return self._end(turn)

    def acknowledged(self, ack: Ack, now: datetime) -> Outcome:
        """The vendor has answered the write that is out."""
        turn = self._turn(now)
        write = turn.state.write
        if write is not None and write.sent_at is not None:
            if ack.taken:
                turn.change(write=replace(write, answered=True))
            else:
                execution.refused_by_vendor(turn, ack.text)
        return self._end(turn)

    def closed(self, now: datetime) -> Outcome:
        """The session is gone. The device goes back to itself after the time that the manifest gives."""
        turn = self._turn(now)
        self._let_go(turn)
        turn.change(link=None)
        return self._end(turn)

    def due(self, now: datetime) -> Outcome:
        """Time has passed."""
        return self._end(self._turn(now))

    def _turn(self, now: datetime) -> Turn:
        return Turn(self._resource, self._state, now)

    def _end(self, turn: Turn) -> Outcome:
        """Do what follows, say what is news, and keep the state."""
        self._withdraw_or_return(turn)
        execution.work(turn)
        self._publish(turn)
        outcome = Outcome(
            messages=tuple(turn.messages),
            commands=tuple(turn.commands),
            refusals=tuple(turn.refusals),
            due_at=next_call(turn),
            read_at=next_reading(turn),
        )
        self._state = turn.state
        return outcome

    def _let_go(self, turn: Turn, keep: timedelta | None = None) -> None:
        """The CEM does not count on its instructions any more: forget them, and give the device back in time."""
        begun = bool(turn.state.in_force) or turn.state.write is not None
        turn.change(orders=())
        if begun and turn.state.release_at is None:
            turn.change(release_at=turn.now + (turn.manners.keep if keep is None else keep))
        write = turn.state.write
        if write is not None and write.order_id is not None and write.first_sent_at is None:
            turn.change(write=None)

    def _refusal(self, turn: Turn, order: Order) -> Reject | None:
        """Why the instruction is not even accepted. What will be possible at a later time is not known yet."""
        if order.due_at > turn.now and turn.offer is not None:
            return None
        answer = execution.planned(turn, order)
        return answer if isinstance(answer, Reject) and not execution.is_worth_waiting(turn, answer) else None

    def _withdraw_or_return(self, turn: Turn) -> None:
        """When the device cannot be relied on, nothing is on offer; when it can be again, all is said anew."""
        gone = turn.freshness is Freshness.GONE and (turn.state.snapshot is not None or turn.state.unauthorised)
        if gone and not turn.state.withdrawn:
            execution.abort_all(turn)
            link = turn.state.link
            if link is not None and link.control_type is not None:
                link, messages = publishing.withdrawn(link, self._resource.new_id)
                turn.say(*messages)
                turn.change(link=link)
        if turn.state.unauthorised and not self._state.unauthorised and turn.state.link is not None:
            turn.say(self._farewell())
        turn.change(withdrawn=gone)

    def _farewell(self) -> SessionRequest:
        return SessionRequest(
            message_id=self._resource.new_id(),
            request=SessionRequestType.TERMINATE,
            diagnostic_label="the account has to be linked again",
        )

    def _publish(self, turn: Turn) -> None:
        """Say what is news. Who the resource is, it says also while its device is out of reach."""
        if turn.flex is None or turn.state.link is None or turn.state.unauthorised:
            return
        self._introduce(turn, turn.flex, turn.state.link)
        if turn.freshness is not Freshness.GONE:
            self._offer(turn, turn.flex, turn.state.link)
            self._measure(turn)

    def _introduce(self, turn: Turn, flex: Flex, link: Link) -> None:
        link, messages = publishing.news_of_details(flex, link, self._resource.new_id)
        if messages:
            # Under new details the CEM selects anew.
            execution.abort_all(turn)
            turn.say(*messages)
            turn.change(link=publishing.published_anew(replace(link, control_type=None)))

    def _offer(self, turn: Turn, flex: Flex, link: Link) -> None:
        offer = flex.offer_under(link.control_type)
        if offer is not None:
            situation = publishing.Situation(
                _with_waiting(offer, turn.state), turn.state.activities, turn.state.timers, turn.now
            )
            link, messages = publishing.news_of_offer(situation, link, self._resource.new_id)
            turn.say(*messages)
        link, messages = publishing.news_of_forecast(flex, link, self._resource.new_id)
        turn.say(*messages)
        turn.change(link=link)

    def _measure(self, turn: Turn) -> None:
        """Publish what was measured, if it is fresh and says something else than before, or after a while."""
        link, snapshot = turn.state.link, turn.state.snapshot
        if link is None or snapshot is None or not snapshot.powers or turn.freshness is not Freshness.FRESH:
            return
        before = link.measured
        if before is not None and not self._is_news(snapshot, before):
            return
        turn.change(link=replace(link, measured=snapshot))
        turn.say(
            PowerMeasurement(
                message_id=self._resource.new_id(),
                measurement_timestamp=snapshot.observed_at,
                values=tuple(
                    PowerValue(commodity_quantity=quantity, value=value) for quantity, value in snapshot.powers.items()
                ),
            )
        )

    def _is_news(self, snapshot: Snapshot, before: Snapshot) -> bool:
        if snapshot.observed_at <= before.observed_at:
            return False
        if snapshot.observed_at - before.observed_at >= self._resource.manifest.poll.measure_every:
            return True
        if snapshot.powers.keys() != before.powers.keys():
            return True
        return any(
            abs(value - before.powers[quantity]) > _POWER_NEWS * max(abs(value), abs(before.powers[quantity]))
            for quantity, value in snapshot.powers.items()
        )


def _with_waiting(offer: Offer, state: State) -> Offer:
    """The offer as the CEM should see it: starts that wait here are scheduled, though the device does not know."""
    waiting = [
        each.instruction
        for each in state.orders
        if not each.started and isinstance(each.instruction, PPBCScheduleInstruction)
    ]
    reports = tuple(
        with_schedules(each, waiting) if isinstance(each, PPBCPowerProfileStatus) else each for each in offer.reports
    )
    return replace(offer, reports=reports)
