"""A conversation between two others, judged by the rules of a session: text and direction in, findings out.

Theory of operation. A relay or a page that shows a conversation hears each frame once, when its sender says it. Whether
a message is right depends on what its sender could know by then. So there is a view of the conversation for each
party: all that it has said itself, and what it has read of the other's. A message is judged in its speaker's view
and counts there at once; in the listener's view it counts from the listener's answer on, because a ReceptionStatus is
written at reading. Messages that cross are therefore nobody's fault.

    answered OK           it counts in both views, even if something is wrong with it: the parties agree on it
    answered INVALID_*    it does not count for the listener. Where nothing was wrong, the refusal is judged
    TEMPORARY_ERROR       it does not count yet; the same text comes again and is no repetition
    PERMANENT_ERROR       the conversation is over, as after a SessionRequest; what is said later is misplaced (R-12)
    not answered          a finding against the listener (R-01). One that has never answered anything is taken to have
                          read the message all the same

Not every party answers before it acts on what it has read: many a CEM selects and only then acknowledges the details.
So there is a third view, in which everything is read as soon as it is said. Where a message looks wrong in its
speaker's view, and the speaker may have read more than it has answered, this third view decides. If the message is
right there, it shows what its speaker has read. When in doubt, nobody is blamed.

Repeated texts are treated as a session treats them (see `s2.receptions`). Everything that is kept is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from s2.conversation import Conversation
from s2.errors import RemoteProtocolError
from s2.findings import Finding, errors_of
from s2.messages import (
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    Message,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    SelectControlType,
    SessionRequest,
    parse_message,
)
from s2.parties import Party, Said, Utterance
from s2.receptions import NIL_ID
from s2.rules.instructions import INSTRUCTIONS
from s2.rules.sessions import R_01, R_02, R_07, R_12
from s2.session import ACK_TIMEOUT
from s2.states import SessionState
from s2.strictness import STRICT, Strictness, read_leniently
from s2.unreadable import finding_of, finding_of_bytes
from s2.verdicts import is_rejected_by_update
from s2.versions import ALL_PROFILES, WireProfile

_CEM, _RM = EnergyManagementRole.CEM, EnergyManagementRole.RM
_OK = ReceptionStatusValues.OK
_TEMPORARY = ReceptionStatusValues.TEMPORARY_ERROR
_PERMANENT = ReceptionStatusValues.PERMANENT_ERROR
_REFUSED = (ReceptionStatusValues.INVALID_MESSAGE, ReceptionStatusValues.INVALID_CONTENT)
_Findings = tuple[Finding, ...]

#: What changes the state by being said, so that its repetition would look misplaced.
_SAID_ONCE = (Handshake, HandshakeResponse, SessionRequest)


@dataclass(frozen=True, slots=True)
class Observed:
    """A finding, and which side broke the rule.

    That is the sender of the message that the finding names, except where the other side has left the message without
    answer (R-01) or refused what it had to permit.
    """

    by: EnergyManagementRole
    finding: Finding


class Observer:
    """Listens to one connection between a CEM and an RM.

    `agreed` is the version that S2 Connect has settled; without it the conversation begins with Handshakes.
    `strictness` is how the messages of each side are judged, strictly unless it says otherwise. `ack_timeout`: how long
    an answer may take.
    """

    __slots__ = ("_ack_timeout", "_ends_at", "_number", "_parties", "_profile", "_told")

    def __init__(
        self,
        agreed: WireProfile | None = None,
        *,
        strictness: dict[EnergyManagementRole, Strictness] | None = None,
        ack_timeout: timedelta = ACK_TIMEOUT,
    ) -> None:
        # Before a version is agreed the newest one serves: Handshakes are the same in all of them.
        self._profile = agreed or ALL_PROFILES[-1]
        self._ack_timeout = ack_timeout
        self._ends_at: datetime | None = None
        self._number = 0
        allowances = strictness or {}
        self._told, *views = (Conversation(ALL_PROFILES, agreed=agreed, crossing_time=ack_timeout) for _ in range(3))
        self._parties = {
            role: Party(role, view, allowances.get(role, STRICT))
            for role, view in zip(EnergyManagementRole, views, strict=True)
        }

    @property
    def state(self) -> SessionState:
        """Where the conversation is: a selection counts as soon as it is made, and details as soon as they are told."""
        return SessionState.CLOSED if self._ends_at is not None else self._told.state

    def view(self, role: EnergyManagementRole) -> Conversation:
        """The conversation as this side knows it. To be looked at only."""
        return self._parties[role].view

    def feed(self, text: str, sender: EnergyManagementRole, now: datetime) -> tuple[Observed, ...]:
        """Hear one text frame; return what it breaks, and which answers were due by now."""
        missing = self.tick(now)
        speaker, listener = self._parties[sender], self._other(sender)
        try:
            message, skipped = self._parse(text, speaker)
        except RemoteProtocolError as error:
            # An answer is never answered, not even a broken one.
            if error.message_type != "ReceptionStatus":
                self._await_answer(speaker, error.message_id or NIL_ID, Said(effective=False), now)
            findings: _Findings = (finding_of(error),)
        else:
            findings = skipped + self._hear(message, text, speaker, listener, now)
        return missing + tuple(Observed(sender, finding) for finding in findings)

    def _parse(self, text: str, speaker: Party) -> tuple[Message, _Findings]:
        try:
            return parse_message(text, self._profile), ()
        except RemoteProtocolError:
            if not speaker.strictness.rereads(text):
                raise
        return read_leniently(text, self._profile)

    def feed_bytes(self, data: bytes, sender: EnergyManagementRole, now: datetime) -> tuple[Observed, ...]:  # noqa: ARG002  # The twin of feed.
        """Hear one binary frame, which S2 does not know."""
        missing = self.tick(now)
        self._await_answer(self._parties[sender], NIL_ID, Said(effective=False), now)
        return (*missing, Observed(sender, finding_of_bytes()))

    def next_deadline(self) -> datetime | None:
        """When `tick` will find an answer missing."""
        if self._ends_at is not None:
            return None
        moments = [party.next_deadline() for party in self._parties.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: datetime) -> tuple[Observed, ...]:
        """Find the answers that should have come by now."""
        if self._ends_at is not None:
            if self._ends_at <= now:
                for party in self._parties.values():
                    party.has_left = True
            return ()
        found: list[Observed] = []
        for speaker in self._parties.values():
            listener = self._other(speaker.role)
            for utterance in speaker.missing(now):
                if listener.has_left:
                    continue
                found.append(Observed(listener.role, _unanswered(utterance)))
                if not listener.acknowledges:
                    self._count_as_read(utterance, speaker, listener, now)
        return tuple(found)

    def _hear(self, message: Message, text: str, speaker: Party, listener: Party, now: datetime) -> _Findings:
        if isinstance(message, ReceptionStatus):
            return self._settle(message, listener, speaker, now)
        said = speaker.said(text)
        if said is None:
            return self._hear_news(message, message.message_id, text, speaker, listener, now)
        if said.status is _TEMPORARY:
            speaker.say_again(said, now + self._ack_timeout)
            return self._judge_again(message, speaker, listener, now)
        self._await_answer(speaker, message.message_id, said, now, message)
        return ()

    def _hear_news(
        self, message: Message, message_id: str, text: str, speaker: Party, listener: Party, now: datetime
    ) -> _Findings:
        message, findings = self._judge(message, speaker, listener, now)
        if speaker.uses(message_id):
            speaker.forget_texts()
            findings += (R_07.finding(message, "$.message_id", "was used before for another message"),)
        said = Said(effective=_counts(message, findings))
        speaker.remember(message_id, text, said)
        self._await_answer(speaker, message_id, said, now, message, findings)
        if said.effective:
            self._say(message, speaker, listener, now, findings)
        return findings

    def _judge(self, message: Message, speaker: Party, listener: Party, now: datetime) -> tuple[Message, _Findings]:
        """Judge by what the speaker has shown to know, or by what it may know where that speaks for it."""
        if speaker.has_left:
            return message, (R_12.finding(message, "$.message_type", "the session is over; only answers may follow"),)
        shown = _read(message, speaker, speaker.view, now)
        unread = list(listener.unread())
        if not shown[1] or not (unread or speaker.astray):
            return shown
        told = _read(message, speaker, self._told, now)
        if not errors_of(shown[1]):
            return shown if errors_of(told[1]) else told
        waiting = [each for each in unread if each.deadline is not None]
        # Where it is wrong even after all that was said, it may be right after a part of that.
        for utterance in waiting[:-1] if errors_of(told[1]) else waiting:
            self._count_as_read(utterance, listener, speaker, now)
            shown = _read(message, speaker, speaker.view, now)
            if not errors_of(shown[1]):
                return shown
        return told

    def _judge_again(self, message: Message, speaker: Party, listener: Party, now: datetime) -> _Findings:
        """What is wrong with saying again what was answered TEMPORARY_ERROR."""
        if isinstance(message, _SAID_ONCE):
            return ()
        _, findings = self._judge(message, speaker, listener, now)
        # The first time made the instruction's id known, which must not count against it.
        return tuple(each for each in errors_of(findings) if each.rule != "R-34")

    def _say(self, message: Message, speaker: Party, listener: Party, now: datetime, findings: _Findings) -> None:
        """Let a message have the effect that it has from the moment it is said."""
        for view in (speaker.view, self._told):
            view.apply(message, speaker.role, now, findings)
        match message:
            case HandshakeResponse():
                self._profile = WireProfile.of(message.selected_protocol_version) or self._profile
            case SelectControlType() | ResourceManagerDetails():
                listener.forget_texts()
            case SessionRequest():
                speaker.has_left = True

    def _settle(self, reception: ReceptionStatus, speaker: Party, listener: Party, now: datetime) -> _Findings:
        """Take in the listener's answer to something that the speaker said; return what is wrong with the answer."""
        listener.acknowledges = True
        status, utterance = reception.status, speaker.settle(reception)
        findings: _Findings = ()
        if utterance is not None and listener.heard_of_refusal(utterance):
            listener.view.deselect(now)
        if utterance is None:
            findings = () if speaker.may_be_meant(reception) else (_unmatched(reception, speaker, listener),)
        elif status is _OK:
            self._agree(utterance, speaker, listener, now)
        elif status is not _TEMPORARY:
            findings = self._refuse(utterance, status, speaker, listener, now)
        parted = utterance is not None and isinstance(utterance.message, SessionRequest) and status is not _TEMPORARY
        if parted or status is _PERMANENT:
            listener.has_left = True
            self._end(now)
        return findings

    def _agree(self, utterance: Utterance, speaker: Party, listener: Party, now: datetime) -> None:
        message, said = utterance.message, utterance.said
        if message is None:
            return
        if not said.effective:
            said.effective = True
            self._say(message, speaker, listener, now, utterance.findings)
        if not utterance.read and not said.taken:
            self._take(utterance, message, speaker, listener, now)
        if isinstance(message, SelectControlType):
            listener.view.confirm_selection()
            if speaker.selection is utterance:
                speaker.view.confirm_selection()
                self._told.confirm_selection()
        elif isinstance(message, INSTRUCTIONS):
            speaker.view.ledger.receive(message, _OK)

    def _take(self, utterance: Utterance, message: Message, speaker: Party, listener: Party, now: datetime) -> None:
        """Let a message have its effect in the listener's view."""
        utterance.said.taken = True
        listener.view.apply(message, speaker.role, now, utterance.findings)
        if isinstance(message, SelectControlType | ResourceManagerDetails):
            speaker.forget_texts(but=utterance.said)
            # What the listener has said since may already be its answer to this, or else have crossed it.
            listener.astray = listener.spoke_at > utterance.number
        if isinstance(message, ResourceManagerDetails):
            # New details ask for a new selection: what becomes of the one before them changes nothing any more.
            listener.selection = listener.refused_at = None

    def _count_as_read(self, utterance: Utterance, speaker: Party, listener: Party, now: datetime) -> None:
        if utterance.message is not None and utterance.said.effective and not (utterance.read or utterance.said.taken):
            self._take(utterance, utterance.message, speaker, listener, now)
        utterance.read = True

    def _refuse(
        self, utterance: Utterance, status: ReceptionStatusValues, speaker: Party, listener: Party, now: datetime
    ) -> _Findings:
        """What a refusal leads to; return what the listener should have permitted."""
        message = utterance.message
        if message is None:
            return ()
        if isinstance(message, SelectControlType) and speaker.selection is utterance:
            speaker.refused_at = self._number
            self._told.deselect(now)
        elif isinstance(message, INSTRUCTIONS):
            speaker.view.ledger.receive(message, status)
        if status not in _REFUSED or errors_of(utterance.findings):
            return ()
        # What crossed something of the listener's may be right to say and right to refuse.
        crossed = listener.view.judge(message, speaker.role, now)
        if errors_of(crossed) or any(each.rule == R_12.number for each in crossed):
            return ()
        return listener.view.refused(message, speaker.role, now)

    def _await_answer(
        self,
        speaker: Party,
        message_id: str,
        said: Said,
        now: datetime,
        message: Message | None = None,
        findings: _Findings = (),
    ) -> None:
        self._number += 1
        deadline = now + self._ack_timeout
        speaker.await_answer(Utterance(self._number, message_id, said, deadline, message, findings))

    def _end(self, now: datetime) -> None:
        """The conversation is over; the side that has not heard of it yet may go on for the time of an answer."""
        if self._ends_at is None:
            self._ends_at = now + self._ack_timeout

    def _other(self, role: EnergyManagementRole) -> Party:
        return self._parties[_RM if role is _CEM else _CEM]


def _read(message: Message, speaker: Party, view: Conversation, now: datetime) -> tuple[Message, _Findings]:
    view.strictness = speaker.strictness
    return view.read(message, speaker.role, now)


def _counts(message: Message, findings: _Findings) -> bool:
    """Whether a message with these findings has an effect; an instruction that will be rejected is an instruction."""
    errors = errors_of(findings)
    return not errors or is_rejected_by_update(message, errors)


def _unanswered(utterance: Utterance) -> Finding:
    finding = R_01.finding(utterance.message, "$.message_id", "a ReceptionStatus should answer this message")
    return replace(finding, message_id=utterance.message_id)


def _unmatched(reception: ReceptionStatus, speaker: Party, listener: Party) -> Finding:
    subject_id = reception.subject_message_id
    if speaker.uses(subject_id):
        text = f"{subject_id} has its answer already; one is due"
    elif listener.uses(subject_id):
        text = f"{subject_id} is a message of this side itself; a ReceptionStatus is never answered"
    else:
        text = f"{subject_id} is nothing that waits for an answer"
    return R_02.finding(reception, "$.subject_message_id", text)
