"""The semantic rules of S2, by the numbers of the catalogue (R-01 and on).

One module per family: `sessions` for every conversation, `values` for numbers and times wherever they occur, `details`
for what an RM says of itself, `power` for measurements and forecasts, `instructions` for what holds for every
instruction and what becomes of it, `modes` for operation modes, transitions and timers, `statuses` for what an RM
reports of them, and one for what only that control type has. `registry` says how a rule is written.
"""

from s2.rules import details, frbc, instructions, modes, pebc, sessions, statuses, values
from s2.rules.registry import (
    RULES,
    Breach,
    Rule,
    Situation,
    Upheld,
    findings_on,
    findings_on_refusal,
    is_checked,
)

__all__ = [
    "RULES",
    "Breach",
    "Rule",
    "Situation",
    "Upheld",
    "details",
    "findings_on",
    "findings_on_refusal",
    "frbc",
    "instructions",
    "is_checked",
    "modes",
    "pebc",
    "sessions",
    "statuses",
    "values",
]
