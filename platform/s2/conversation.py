"""What both sides of a session have said so far, and what that allows them to say next.

A Conversation is the part of a session that is the same seen from either end: the state, the control type, what is on
the menu and what became of the instructions. It is told who sent a message and does not know which side we are, so one
set of rules judges what we receive as CEM, what we receive as RM and what we are about to send as either.

Crossing messages: a selection takes effect when it is sent, because the RM may describe itself before it acknowledges.
What the RM said under the former control type may still be under way then, and nobody did wrong. For the time of one
acknowledgement such messages are taken with a warning and have no effect. The end of an instruction may be reported
even later, from a state that has no instructions any more.

Strictness: `judge` is strict and serves for what we are about to send; `read` judges what a peer has sent, with the
allowances that are made for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from s2.findings import Finding, Severity
from s2.ledger import InstructionLedger, LedgerEntry
from s2.messages import (
    ControlType,
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    Instruction,
    InstructionStatusUpdate,
    Message,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
)
from s2.quirks import permitted, repaired
from s2.resource import ResourceView
from s2.rules import Situation, findings_on, findings_on_refusal, is_checked
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_11, R_12, R_13
from s2.states import SessionState, permits, senders_of, state_under, states_for
from s2.strictness import STRICT, Strictness
from s2.versions import WireProfile

_Findings = tuple[Finding, ...]
_Effect = Callable[["Conversation", Any, EnergyManagementRole, datetime, _Findings], list[LedgerEntry]]

_GREETINGS = frozenset({"Handshake", "HandshakeResponse"})
_RM = EnergyManagementRole.RM


class Conversation:
    """The common memory of a session. `read` and `judge` look, `apply` changes; a refused message must not be applied.

    `agreed`: the version that was agreed before, so that there are no Handshakes. `crossing_time`: how long a message
    may have been under way when the control type changed. `strictness`: how what is read is judged.
    """

    __slots__ = (
        "_begun",
        "_crossing_time",
        "_former",
        "_greeted",
        "_versions",
        "control_type",
        "ledger",
        "profile",
        "resource",
        "state",
        "strictness",
    )

    def __init__(
        self,
        versions: tuple[WireProfile, ...],
        *,
        agreed: WireProfile | None,
        crossing_time: timedelta,
        strictness: Strictness = STRICT,
    ) -> None:
        self.state = SessionState.NEGOTIATING if agreed is None else SessionState.UNCONTROLLED
        self.profile = agreed
        self.control_type: ControlType | None = None
        self.resource = ResourceView()
        self.ledger = InstructionLedger()
        # One object stands for strict, so that most messages are judged without a look at allowances.
        self.strictness = STRICT if strictness == STRICT else strictness
        self._versions = versions
        self._begun = agreed is not None
        self._crossing_time = crossing_time
        self._greeted: frozenset[EnergyManagementRole] = frozenset()
        self._former: tuple[SessionState, datetime] | None = None

    def read(self, message: Message, sender: EnergyManagementRole, now: datetime) -> tuple[Message, _Findings]:
        """The message as our strictness lets it be taken, which is what to `apply`, and the findings on it."""
        strictness = self.strictness
        if strictness is STRICT:
            return message, self.judge(message, sender, now)
        message, fired = repaired(message, self._situation(sender, now), strictness.quirks)
        findings = permitted(message, self.judge(message, sender, now), strictness.quirks)
        return message, fired + strictness.softened(findings)

    def judge(self, message: Message, sender: EnergyManagementRole, now: datetime) -> _Findings:
        """Every rule that the message would break if `sender` said it now."""
        message_type = message.message_type
        if message_type in _GREETINGS and (finding := self._untimely_greeting(message, sender)):
            return (finding,)
        if not permits(self.state, sender, message_type):
            return (self._misplaced(message, sender, now),)
        return findings_on(message, self._situation(sender, now)) if is_checked(message) else ()

    def refused(self, message: Message, sender: EnergyManagementRole, now: datetime) -> _Findings:
        """What the receiver overlooked when it refused a message of `sender` in which we find nothing wrong."""
        return findings_on_refusal(message, self._situation(sender, now))

    def apply(
        self, message: Message, sender: EnergyManagementRole, now: datetime, findings: _Findings = ()
    ) -> list[LedgerEntry]:
        """Take the message in; return the ledger entries that it changed. The findings are kept with an instruction."""
        effect = self._EFFECTS.get(type(message))
        if effect is not None:
            return effect(self, message, sender, now, findings)
        if permits(self.state, sender, message.message_type):
            self.resource.fold(message, now)
        return []

    def deselect(self, now: datetime) -> list[LedgerEntry]:
        """Fall back to no control type, as after a selection that the RM refused."""
        former = self._former
        ended = self._turn_to(None, SessionState.UNCONTROLLED, now)
        # The RM was never under the control type that it refused, and goes on under the one before.
        self._former = None if former is None else (former[0], now)
        return ended

    def confirm_selection(self) -> None:
        """The RM has acknowledged the selection: what it says from now on, it says under the new control type."""
        self._former = None

    @property
    def closed(self) -> bool:
        return self.state is SessionState.CLOSED

    def close(self) -> None:
        self.state = SessionState.CLOSED

    def _situation(self, sender: EnergyManagementRole, now: datetime) -> Situation:
        return Situation(now, sender, self.resource, self.ledger, self._versions, self.profile)

    def _untimely_greeting(self, message: Message, sender: EnergyManagementRole) -> Finding | None:
        if self._begun:
            return R_13.finding(message, "$.message_type", "the version was agreed before this connection")
        if self.state is not SessionState.NEGOTIATING:
            return None
        if isinstance(message, Handshake) and sender in self._greeted:
            return R_12.finding(message, "$.message_type", "a side sends one Handshake, and this is the second one")
        if isinstance(message, HandshakeResponse) and sender not in self._greeted:
            return R_12.finding(message, "$.message_type", "send a Handshake first")
        return None

    def _misplaced(self, message: Message, sender: EnergyManagementRole, now: datetime) -> Finding:
        """Why the state table does not permit the message: the wrong side (R-11) or the wrong moment (R-12)."""
        message_type = message.message_type
        if sender not in senders_of(message_type):
            return R_11.finding(message, "$.message_type", f"{message_type} is not for the {sender.value} to send")
        places = " or ".join(state.value for state in states_for(sender, message_type))
        text = f"{message_type} is for state {places}, the session is in state {self.state.value}"
        if not self._crossed(message, sender, now):
            return R_12.finding(message, "$.message_type", text)
        text += "; taken, since the control type changed meanwhile"
        return replace(R_12.finding(message, "$.message_type", text), severity=Severity.WARNING)

    def _crossed(self, message: Message, sender: EnergyManagementRole, now: datetime) -> bool:
        if sender is not _RM or self.state in (SessionState.NEGOTIATING, SessionState.CLOSED):
            return False
        if isinstance(message, InstructionStatusUpdate) and self.ledger.knows(message.instruction_id):
            return True
        if self._former is None:
            return False
        state, since = self._former
        return now <= since + self._crossing_time and permits(state, sender, message.message_type)

    def _greet(
        self, _: Handshake, sender: EnergyManagementRole, _now: datetime, _findings: _Findings
    ) -> list[LedgerEntry]:
        self._greeted |= {sender}
        return []

    def _agree(
        self, message: HandshakeResponse, _: EnergyManagementRole, _now: datetime, _findings: _Findings
    ) -> list[LedgerEntry]:
        if self.state is SessionState.NEGOTIATING:
            self.state = SessionState.UNCONTROLLED
            self.profile = WireProfile.of(message.selected_protocol_version)
        return []

    def _introduce(
        self, message: ResourceManagerDetails, _: EnergyManagementRole, now: datetime, _findings: _Findings
    ) -> list[LedgerEntry]:
        self.resource.fold(message, now)
        return self._turn_to(None, SessionState.UNCONTROLLED, now)

    def _select(
        self, message: SelectControlType, _: EnergyManagementRole, now: datetime, _findings: _Findings
    ) -> list[LedgerEntry]:
        return self._turn_to(message.control_type, state_under(message.control_type), now)

    def _turn_to(self, control_type: ControlType | None, state: SessionState, now: datetime) -> list[LedgerEntry]:
        """Begin anew under another control type, or under the same one selected again: nothing of before counts."""
        if self.state is not SessionState.UNCONTROLLED:
            self._former = (self.state, now)
        self.control_type, self.state = control_type, state
        self.resource.forget_offers()
        return self.ledger.end_open(now)

    def _instruct(
        self, message: Instruction, _: EnergyManagementRole, now: datetime, findings: _Findings
    ) -> list[LedgerEntry]:
        return [self.ledger.add(message, now, findings)]

    def _report(
        self, message: InstructionStatusUpdate, _: EnergyManagementRole, _now: datetime, findings: _Findings
    ) -> list[LedgerEntry]:
        entry = self.ledger.update(message.instruction_id, message.status_type, message.timestamp, findings)
        return [] if entry is None else [entry]

    def _revoke(
        self, message: RevokeObject, sender: EnergyManagementRole, now: datetime, _findings: _Findings
    ) -> list[LedgerEntry]:
        if not permits(self.state, sender, message.message_type):
            return []
        if sender is _RM:
            self.resource.revoke(message.object_type, message.object_id, now)
            return []
        # What becomes of a revoked instruction, the RM reports with an InstructionStatusUpdate.
        entry = self.ledger.withdraw(message.object_id)
        return [] if entry is None else [entry]

    _EFFECTS: ClassVar[dict[type[Message], _Effect]] = {
        Handshake: _greet,
        HandshakeResponse: _agree,
        ResourceManagerDetails: _introduce,
        SelectControlType: _select,
        InstructionStatusUpdate: _report,
        RevokeObject: _revoke,
        **dict.fromkeys(INSTRUCTIONS, _instruct),
    }
