"""One call of a hosted RM: the state as it is being changed, and what there is to say and to do.

A call begins with the stored state and ends with the next one; nothing leaves before the call is over. So the shell can
store the state first, and then send and write: what was stored and not written is found by reading back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from rm_adapters import guard
from rm_adapters.sdk import Command, Device, Flex, Limits, Manifest, Offer, Preferences, Reject, VendorMapping
from rm_adapters.sdk.manifest import Write as WriteManners
from rm_adapters.state import Order, State
from s2.ledger import TERMINAL
from s2.messages import InstructionStatus, InstructionStatusUpdate, Message

#: After so many times its `valid_for` a reading says nothing of the device any more.
GONE_AFTER = 3

#: For a vendor whose devices cannot be written to.
_NO_WRITES = WriteManners(confirm_within=timedelta())


class Freshness(Enum):
    """How far the last reading can be relied on: measured, known, or neither."""

    FRESH = "fresh"
    OLD = "old"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Resource:
    """What does not change between calls: the device with its adapter, and what its owner wants."""

    mapping: VendorMapping
    manifest: Manifest
    device: Device
    preferences: Preferences
    new_id: Callable[[], str]


@dataclass(slots=True)
class Turn:
    """The call. Functions of `execution` and `HostedResource` change `state` and add to the rest."""

    resource: Resource
    state: State
    now: datetime
    messages: list[Message] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    refusals: list[tuple[str, Reject]] = field(default_factory=list)
    _flex: Flex | None = None

    @property
    def manners(self) -> WriteManners:
        return self.resource.manifest.write or _NO_WRITES

    def change(self, **changes: Any) -> None:
        """Change fields of the state."""
        self.state = replace(self.state, **changes)
        if "snapshot" in changes:
            self._flex = None

    @property
    def freshness(self) -> Freshness:
        snapshot, valid_for = self.state.snapshot, self.resource.manifest.poll.valid_for
        if snapshot is None or self.state.offline or self.state.unauthorised or not snapshot.online:
            return Freshness.GONE
        age = self.now - snapshot.observed_at
        if age <= valid_for:
            return Freshness.FRESH
        return Freshness.OLD if age <= valid_for * GONE_AFTER else Freshness.GONE

    @property
    def flex(self) -> Flex | None:
        """What the device offers by its last reading, however old that is."""
        snapshot = self.state.snapshot
        if self._flex is None and snapshot is not None:
            self._flex = self.resource.mapping.describe(self.resource.device, snapshot, self.resource.preferences)
        return self._flex

    @property
    def offer(self) -> Offer | None:
        """What is offered under the selected control type; None where none is, or nothing can be relied on."""
        link, flex = self.state.link, self.flex
        if link is None or flex is None or self.freshness is Freshness.GONE:
            return None
        return flex.offer_under(link.control_type)

    @property
    def limits(self) -> Limits:
        own = self.flex.limits if self.flex is not None else Limits()
        return guard.combined(own, self.resource.manifest.write, self.resource.preferences)

    def say(self, *messages: Message) -> None:
        self.messages += messages

    def tell(self, instruction_id: str, status: InstructionStatus) -> None:
        """Report on an instruction, while there is a control type under which that may be said."""
        if self.state.link is not None and self.state.link.control_type is not None:
            self.say(
                InstructionStatusUpdate(
                    message_id=self.resource.new_id(),
                    instruction_id=instruction_id,
                    status_type=status,
                    timestamp=self.now,
                )
            )

    def advance(self, order: Order, status: InstructionStatus) -> None:
        """Report how far an order has come; with a terminal status it is over."""
        self.tell(order.id, status)
        if status in TERMINAL:
            self.state = self.state.without(order.id)
        else:
            self.state = self.state.with_order(replace(order, status=status))

    def refuse(self, order: Order, refusal: Reject) -> None:
        """End an order that cannot be carried out, which was promised before."""
        self.refusals.append((order.id, refusal))
        self.advance(order, InstructionStatus.ABORTED)
