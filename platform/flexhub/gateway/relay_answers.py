"""What an end of a relayed link says to its peer, and the answers that it gives on its own account."""

from __future__ import annotations

from flexhub.gateway.relay_events import Disputed
from s2.errors import RemoteProtocolError
from s2.events import MessageRefused, ReceptionUnmatched
from s2.findings import Finding, errors_of
from s2.messages import ReceptionStatusValues
from s2.receptions import NIL_ID, reception_text
from s2.unreadable import finding_of, finding_of_bytes

ABSENT = "the other end of this link is not connected; send it again"
GONE = "the other end of this link has gone; send it again once the session is new"
SILENT = "the other end of this link does not answer; send it again"
FULL = "too much waits for the other end of this link; send it again"
DOWN = "the message cannot be passed on now; send it again"
LEAVING = "this session ends; connect again"

_HEAD = 200
_BUSY = ReceptionStatusValues.TEMPORARY_ERROR


class Answers:
    """`out` holds the texts for the peer, oldest first."""

    __slots__ = ("out",)

    def __init__(self) -> None:
        self.out: list[str] = []

    def take(self) -> list[str]:
        out, self.out = self.out, []
        return out

    def say(self, text: str) -> None:
        self.out.append(text)

    def put_off(self, message_id: str, label: str) -> Disputed:
        """Answer something that was on its way already."""
        text = reception_text(message_id, _BUSY, label)
        self.out.append(text)
        return Disputed(text)

    def refuse(
        self,
        text: str,
        message_type: str | None,
        message_id: str,
        status: ReceptionStatusValues,
        findings: tuple[Finding, ...],
        label: str | None = None,
    ) -> MessageRefused:
        """Answer something that goes no further; the first error among the findings is the label, if there is one."""
        errors = errors_of(findings)
        self.out.append(reception_text(message_id, status, errors[0].label if errors else label))
        return MessageRefused(text[:_HEAD], message_type, message_id, status, findings)

    def refuse_unreadable(self, text: str, error: RemoteProtocolError) -> MessageRefused | ReceptionUnmatched:
        finding = finding_of(error)
        if error.message_type == "ReceptionStatus":
            # An answer is never answered, not even a broken one.
            return ReceptionUnmatched(error.message_id or NIL_ID, None, None, (finding,))
        status = ReceptionStatusValues.INVALID_MESSAGE if error.message_id else ReceptionStatusValues.INVALID_DATA
        return self.refuse(text, error.message_type, error.message_id or NIL_ID, status, (finding,))

    def refuse_bytes(self, data: bytes) -> MessageRefused:
        head = data[:_HEAD].decode("ascii", "replace")
        return self.refuse(head, None, NIL_ID, ReceptionStatusValues.INVALID_DATA, (finding_of_bytes(),))
