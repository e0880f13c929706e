"""What a Session tells its shell: plain values, in the order in which they happened.

A shell that meets an event it does not know ignores it; nothing here demands an answer except CloseRequested.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2.descriptions import SystemDescription
from s2.findings import Finding
from s2.ledger import LedgerEntry
from s2.messages import ControlType, Message, ReceptionStatusValues
from s2.versions import WireProfile


@dataclass(frozen=True, slots=True)
class Opened:
    """The version is agreed; from here on the state table of an open session holds."""

    profile: WireProfile


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message was accepted and answered OK. Its findings are warnings.

    A message that is `rewritten` is not what the text says, but what our strictness made of it; keep this one.
    """

    message: Message
    status: ReceptionStatusValues
    findings: tuple[Finding, ...] = ()
    rewritten: bool = False


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A message has no effect. The status is what it was answered with.

    It is OK in one case only: an instruction that is well formed but outside what was offered is acknowledged and
    then rejected with an InstructionStatusUpdate (R-76), which is what certification tools expect of an RM.
    """

    text_head: str
    message_type: str | None
    message_id: str
    status: ReceptionStatusValues
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceptionReceived:
    """The peer's verdict on something we sent; final, since what is sent again is not reported in between.

    The findings say what a peer that refused the message had to permit; nothing in it was wrong, or it would not have
    been sent. They also tell of unknown keys in the verdict, where these are allowed.
    """

    subject: Message
    status: ReceptionStatusValues
    label: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceptionUnmatched:
    """The peer acknowledged something that does not wait for it, or in a broken form (then without status).

    It is never answered (R-02), and nothing follows from it; it is told because a person would want to know.
    """

    subject_message_id: str
    status: ReceptionStatusValues | None
    label: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class AcknowledgementMissing:
    """The peer left a message of ours without ReceptionStatus until its deadline (R-01)."""

    message: Message
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlTypeSelected:
    """As RM: the CEM selected it. As CEM: the RM acknowledged our selection."""

    control_type: ControlType


@dataclass(frozen=True, slots=True)
class DescriptionInForce:
    """As CEM: a system description that was announced counts from now on; what was reported under the former is void.

    One that counts as soon as it is received is only told as a MessageReceived.
    """

    description: SystemDescription


@dataclass(frozen=True, slots=True)
class InstructionUpdated:
    """A verdict, a status update or the end of a control type changed what we know of an instruction.

    To an RM only the last of these is news: it stops what it was told to do, since the CEM counts on it no longer.
    """

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class InstructionRevoked:
    """As RM: the CEM takes back an instruction that has not ended yet.

    The device stops it or does not begin it, and the shell reports REVOKED with an InstructionStatusUpdate. A
    revocation that comes too late has no effect, and there is nothing to report.
    """

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class CloseRequested:
    """The session is over. The shell sends what `data_to_send()` still holds and closes with this WebSocket code."""

    code: int
    reason: str


Event = (
    Opened
    | MessageReceived
    | MessageRefused
    | ReceptionReceived
    | ReceptionUnmatched
    | AcknowledgementMissing
    | ControlTypeSelected
    | DescriptionInForce
    | InstructionUpdated
    | InstructionRevoked
    | CloseRequested
)
