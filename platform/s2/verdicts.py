"""Which messages are not answered INVALID_CONTENT although there are errors.

An error that rests on what was said before is no proof while messages are put off: what was put off may mend it.
"""

from __future__ import annotations

from s2.findings import Finding
from s2.messages import Message
from s2.rules import RULES, Upheld
from s2.rules.instructions import INSTRUCTIONS

#: What needs no storage of the shell's and is processed even while there is none.
_NEEDS_NO_STORAGE = frozenset({"Handshake", "HandshakeResponse", "SessionRequest"})


def waits_for_storage(message: Message, errors: tuple[Finding, ...]) -> bool:
    """Whether a message is put off while storage is down: nothing is wrong with it that may not come from that."""
    if message.message_type in _NEEDS_NO_STORAGE:
        return False
    rules = [RULES[each.rule] for each in errors]
    return all(each.needs_session and each.upheld is Upheld.BY_CHECK for each in rules)


def is_rejected_by_update(message: Message, errors: tuple[Finding, ...]) -> bool:
    """Whether an instruction with these errors is acknowledged and then rejected (R-76, R-94)."""
    return isinstance(message, INSTRUCTIONS) and all(RULES[each.rule].rejected_by_update for each in errors)
