"""What a hosted RM remembers between two calls: a plain value that lies in a database row.

Nothing in here is mutable. `dump` gives JSON, `load` takes it back; a row that was written by a later version of this
module is refused rather than half understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from pydantic import TypeAdapter

from rm_adapters.sdk import Command, Snapshot
from s2.messages import ControlType, Instruction, InstructionStatus, dump_message, parse_message
from s2.versions import WireProfile

VERSION = 1

#: Instructions are the same in both versions of the standard.
_ANY_PROFILE = WireProfile.V1_0_0


class UnreadableState(ValueError):
    """The row was not written by this version or an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What an actuator was last seen doing, and where it came from when."""

    mode_id: str
    factor: float
    previous_mode_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """An instruction that has not come to its end.

    `due_at` is when it has to be looked at next: when it begins, when it may be tried again, or when its next element
    begins. `status` is what the CEM was last told.
    """

    text: str
    taken_at: datetime
    due_at: datetime
    status: InstructionStatus = InstructionStatus.ACCEPTED
    planned: bool = False

    @classmethod
    def of(cls, instruction: Instruction, now: datetime) -> Order:
        return cls(
            text=dump_message(instruction, _ANY_PROFILE), taken_at=now, due_at=max(now, instruction.execution_time)
        )

    @cached_property
    def instruction(self) -> Instruction:
        return cast(Instruction, parse_message(self.text, _ANY_PROFILE))

    @property
    def id(self) -> str:
        return self.instruction.id

    @property
    def started(self) -> bool:
        return self.status is InstructionStatus.STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A command on its way. Without `order_id` it gives the device back to itself.

    `sent_at` is of the last attempt and None where one is still to be made; `answered`: the vendor has acknowledged it.
    """

    command: Command
    lane: str = ""
    order_id: str | None = None
    abnormal: bool = False
    sent_at: datetime | None = None
    first_sent_at: datetime | None = None
    answered: bool = False
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A command that the device is known to follow."""

    command: Command
    abnormal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The last message on one topic: what it said in short, and the id by which it can be revoked."""

    digest: str
    object_id: str | None = None
    object_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The S2 session, as far as the RM has to know it."""

    profile: WireProfile
    control_type: ControlType | None = None
    published: Mapping[str, Published] = field(default_factory=dict)
    measured: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All of it.

    `original`: the reading before our first write, None while the device is its own master. `writes`: when the writes
    of the last day were made. `releasing`: the device is being given back. `withdrawn`: nothing is on offer, because
    the device cannot be relied on now.
    """

    version: int = VERSION
    snapshot: Snapshot | None = None
    original: Snapshot | None = None
    offline: bool = False
    unauthorised: bool = False
    withdrawn: bool = False
    read_at: datetime | None = None
    failures: int = 0
    retry_at: datetime | None = None
    activities: Mapping[str, Activity] = field(default_factory=dict)
    timers: Mapping[str, datetime] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    write: Write | None = None
    writes: tuple[datetime, ...] = ()
    in_force: Mapping[str, InForce] = field(default_factory=dict)
    releasing: bool = False
    release_at: datetime | None = None
    link: Link | None = None

    def order(self, order_id: str | None) -> Order | None:
        return next((each for each in self.orders if each.id == order_id), None)

    def without(self, *order_ids: str) -> State:
        return replace(self, orders=tuple(each for each in self.orders if each.id not in order_ids))

    def with_order(self, order: Order) -> State:
        """The state with this order instead of the one of the same id, or after all others."""
        others = self.without(order.id).orders
        return replace(self, orders=(*others, order))


_ADAPTER: TypeAdapter[State] = TypeAdapter(State)


def dump(state: State) -> dict[str, Any]:
    """The state as JSON can hold it."""
    return cast(dict[str, Any], _ADAPTER.dump_python(state, mode="json"))


def load(document: Mapping[str, Any]) -> State:
    """The state that `dump` made this of. Raises UnreadableState."""
    version = document.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise UnreadableState(f"version {version!r} of the state; should be {VERSION} or earlier")
    return _ADAPTER.validate_python(document)
