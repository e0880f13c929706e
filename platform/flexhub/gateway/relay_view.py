"""The conversation as one peer of a relayed link knows it: what it has said, and what was delivered to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from flexhub.gateway.relay_mail import Texts, Told
from s2.conversation import Conversation
from s2.errors import RemoteProtocolError
from s2.findings import Finding
from s2.messages import (
    EnergyManagementRole,
    Message,
    ReceptionStatusValues,
    SelectControlType,
    dump_message,
    parse_message,
)
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_07
from s2.strictness import Strictness, read_leniently
from s2.versions import ALL_PROFILES, WireProfile

_CEM, _RM = EnergyManagementRole.CEM, EnergyManagementRole.RM
_OK, _BUSY = ReceptionStatusValues.OK, ReceptionStatusValues.TEMPORARY_ERROR
_FRESH_STARTS = frozenset({"ResourceManagerDetails", "SelectControlType"})


class Judged(NamedTuple):
    """A message of the peer as it is taken, the text to pass on, and what is to be said about it.

    `repeated`: it was said before in the same words, and counts already.
    """

    message: Message
    text: str
    findings: tuple[Finding, ...]
    repeated: bool


class PeerView:
    """One peer's view. `peer` is its role, `strictness` what is allowed to it, `told` what was delivered to it."""

    __slots__ = ("_said", "peer", "talk", "told")

    def __init__(self, peer: EnergyManagementRole, crossing_time: timedelta, strictness: Strictness) -> None:
        self.peer = peer
        self.talk = Conversation(ALL_PROFILES, agreed=None, crossing_time=crossing_time, strictness=strictness)
        self.told = Told()
        self._said = Texts()

    @property
    def profile(self) -> WireProfile:
        """The version to read and write by; before one is agreed the newest serves."""
        return self.talk.profile or ALL_PROFILES[-1]

    def read(self, text: str) -> tuple[Message, tuple[Finding, ...]]:
        """The message in a text of the peer, with what was skipped in it. Raises RemoteProtocolError."""
        try:
            return parse_message(text, self.profile), ()
        except RemoteProtocolError:
            if not self.talk.strictness.rereads(text):
                raise
        return read_leniently(text, self.profile)

    def judge(
        self, message: Message, message_id: str, text: str, skipped: tuple[Finding, ...], now: datetime
    ) -> Judged:
        taken, findings = self.talk.read(message, self.peer, now)
        repeated = self._said.knows(text)
        if repeated:
            # It was judged when it was said first, and its own effect must not count against it.
            findings = ()
        elif self._said.uses(message_id):
            self._said.forget()
            findings += (R_07.finding(message, "$.message_id", "was used before for another message"),)
        if skipped or taken is not message:
            return Judged(taken, dump_message(taken, self.profile), skipped + findings, repeated)
        return Judged(taken, text, findings, repeated)

    def say(self, judged: Judged, message_id: str, text: str, now: datetime) -> None:
        """Let what the peer said have its effect, if it has not had it already; `text` is how the peer wrote it."""
        if not judged.repeated:
            self._apply(judged.message, self.peer, now, judged.findings)
            self._said.remember(message_id, text)

    def hear(self, message: Message, message_id: str, text: str, now: datetime) -> None:
        """Let what was delivered to the peer have its effect, once."""
        if not self.told.knows(text):
            if self.told.uses(message_id):
                self.told.forget()
            self._apply(message, _CEM if self.peer is _RM else _RM, now, ())
        self.told.remember(message_id, text)

    def settle(self, message: Message, status: ReceptionStatusValues, now: datetime) -> None:
        """What a verdict on either side's message changes."""
        if status is _BUSY:
            return  # It will be said again, and counts already.
        if isinstance(message, INSTRUCTIONS):
            self.talk.ledger.receive(message, status)
        elif isinstance(message, SelectControlType) and message.control_type is self.talk.control_type:
            # Otherwise it was overtaken, by another selection or by new details.
            if status is _OK:
                self.talk.confirm_selection()
            else:
                self.talk.deselect(now)

    def overlooked(self, message: Message, now: datetime) -> tuple[Finding, ...]:
        """What the peer had to permit when it refused a message that was delivered to it."""
        return self.talk.refused(message, _CEM if self.peer is _RM else _RM, now)

    def _apply(
        self, message: Message, sender: EnergyManagementRole, now: datetime, findings: tuple[Finding, ...]
    ) -> None:
        self.talk.apply(message, sender, now, findings)
        if message.message_type in _FRESH_STARTS:
            # The RM publishes everything anew, which may be word for word what it said before.
            self._said.forget()
            self.told.forget()
