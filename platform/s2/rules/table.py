"""The rule catalogue as a page: `python -m s2.rules.table > docs/s2-rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType

from s2.findings import Severity
from s2.rules import RULES, Rule, Upheld

COMMAND = "python -m s2.rules.table > docs/s2-rules.md"

_INTRODUCTION = f"""\
# The rules of S2

The JSON schemas of S2 say what a message looks like. What it may say, and when, stands in the texts beside them, and
some of it only between the lines. This is all of it as we read it: {{count}} rules by number. The hub judges every
message by them, what it receives and what it is about to send, as either side of a conversation.

This page is made from the rules themselves, by `{COMMAND}`.

## How to read it

A broken rule is a **finding**: the number of the rule, the message, the place in it as a JSON path, and what would be
right. Findings are shown beside the message in the portal. The first error is also the `diagnostic_label` of the
ReceptionStatus that refuses a message, such as `R-20 at $.operation_mode_factor: 1.3 should lie in [0, 1]`.

**Severity** says what follows from a finding:

* **error**: what we receive is answered INVALID_CONTENT (or INVALID_MESSAGE, INVALID_DATA where it cannot be read) and
  has no effect; what we were about to send is not sent, and who wanted to send it is told.
* **error, REJECTED**: the same, but an RM that receives such an instruction acknowledges it, since it understood it,
  and then reports it REJECTED.
* **warning**: the message is taken, or sent, as it is, and the finding is recorded. A warning is something that the
  standard does not quite forbid, or evidence rather than proof, as where two clocks are compared.
* **permission**: the rule says what must *not* be refused. It is found in a refusal: nothing was wrong in a message, it
  made use of the permission, and its receiver answered INVALID_CONTENT or INVALID_MESSAGE all the same. The finding, a
  warning, is about that receiver and tells what it should have accepted.

**Lenient** is the severity towards a peer whose device type is declared lenient, where it differs: an error becomes a
warning if taking the message in does no harm. **Session** tells whether earlier messages are needed for the verdict;
without that mark a message can be judged alone.

**Upheld** tells where the rule is looked after: by a *check* of its own, by the *models* when a message is parsed, by
the *session* itself, or by its *permission*.

**Source** is where the rule is written. "Schema" is a JSON schema with its descriptions, "TOML" the structured
documentation beside it, "s2-kit" a rule of the crate of that name that comes to the same. Where nothing is written, it
says that the reading is our own.
"""

#: The families of the catalogue: the first number of each.
_FAMILIES: Mapping[int, str] = MappingProxyType(
    {
        1: "Every session",
        17: "Numbers and times",
        23: "What an RM says of itself",
        27: "Measurements and forecasts",
        34: "Instructions, descriptions and revocations",
        50: "Operation modes, transitions and timers",
        70: "Power Envelope Based Control",
        90: "Power Profile Based Control",
        110: "Operation Mode Based Control",
        120: "Fill Rate Based Control",
        140: "Demand Driven Based Control",
    }
)

_HEAD = """
| Rule | What it demands | Severity | Lenient | Session | Upheld | Source |
|---|---|---|---|---|---|---|
"""


def markdown() -> str:
    """The page that documents the rules."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION.format(count=len(RULES))
    for family, rules in groupby(sorted(RULES.values(), key=_position), key=_family):
        yield f"\n## {family}\n{_HEAD}"
        yield from map(_row, rules)


def _position(rule: Rule) -> int:
    return int(rule.number.removeprefix("R-"))


def _family(rule: Rule) -> str:
    return _FAMILIES[max(first for first in _FAMILIES if first <= _position(rule))]


def _row(rule: Rule) -> str:
    lenient = Severity.WARNING.value if rule.softens and rule.severity is Severity.ERROR else ""
    session = "yes" if rule.needs_session else ""
    cells = (rule.number, rule.text, _severity(rule), lenient, session, rule.upheld.value, rule.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _severity(rule: Rule) -> str:
    if rule.upheld is Upheld.BY_PERMITTING:
        return "permission"
    return f"{rule.severity.value}, REJECTED" if rule.rejected_by_update else rule.severity.value


def main() -> None:
    sys.stdout.write(markdown())


if __name__ == "__main__":
    main()
