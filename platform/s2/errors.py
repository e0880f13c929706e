"""What can go wrong in an S2 conversation, by whose fault it is.

    S2Error
    ├── RemoteProtocolError     the peer sent something that S2 forbids
    │   ├── InvalidData         not JSON, not an object, or without an id that an answer could name
    │   └── InvalidMessage      an object with a usable id that breaks the schema or names an unknown message type
    └── LocalProtocolError      we were about to do something that S2 forbids
        ├── ProfileError        the message does not exist in the negotiated version
        ├── WrongState          the message may not be sent in this state or by this side
        └── RuleBroken          the message breaks semantic rules, each named by a finding

The two remote errors map onto the reception statuses of the same names (reference: ReceptionStatusValues). Neither is
worth retrying: the same text would fail again.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Findings belong to the rules, which import this module.
    from s2.findings import Finding


class S2Error(Exception):
    """Root of all errors of this package."""


class RemoteProtocolError(S2Error):
    """The peer sent something that S2 forbids.

    `label` is a short text that names the JSON path and what would be right; it is fit to be sent back as a
    diagnostic label. `message_id` and `message_type` are what the answer and the log can name, None where unknown.
    """

    def __init__(self, label: str, *, message_id: str | None = None, message_type: str | None = None) -> None:
        super().__init__(label)
        self.label = label
        self.message_id = message_id
        self.message_type = message_type


class InvalidData(RemoteProtocolError):
    """Not understood at all; an answer can only name the nil UUID. `message_id` is always None."""

    def __init__(self, label: str, *, message_type: str | None = None) -> None:
        super().__init__(label, message_type=message_type)


class InvalidMessage(RemoteProtocolError):
    """Understood well enough to be answered by id, but not a message of the standard.

    `rule` is the number of what it breaks. `message_id` is the id that the answer names; for a ReceptionStatus, which
    has no id of its own and is never answered (R-02), it is the subject_message_id.
    """

    message_id: str

    def __init__(self, message_id: str, message_type: str | None, label: str, rule: str = "R-03") -> None:
        super().__init__(label, message_id=message_id, message_type=message_type)
        self.rule = rule


class LocalProtocolError(S2Error):
    """We were about to do something that S2 forbids; nothing was sent."""


class ProfileError(LocalProtocolError):
    """The message, or one of its fields, does not exist in the negotiated version (R-16)."""


class WrongState(LocalProtocolError):
    """The message may not be sent in this state or by this side (R-11, R-12)."""


class RuleBroken(LocalProtocolError):
    """The message breaks semantic rules; `findings` names each of them."""

    def __init__(self, findings: "Iterable[Finding]") -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("; ".join(finding.label for finding in self.findings))
