"""The semantic rules of S2, by the numbers of the catalogue (R-01 and on).

One module per family: `general` for messages of every session, `instructions` for what holds for every instruction,
`modes` for operation modes, transitions and timers, `statuses` for what an RM
reports of them, `pebc` and `frbc` for what only those control types have.
`registry` says how a rule is written.
"""

from s2.rules import frbc, general, instructions, modes, pebc, statuses
from s2.rules.registry import RULES, Breach, Rule, Situation, Upheld, findings_on, is_checked

__all__ = [
    "RULES",
    "Breach",
    "Rule",
    "Situation",
    "Upheld",
    "findings_on",
    "frbc",
    "general",
    "instructions",
    "is_checked",
    "modes",
    "pebc",
    "statuses",
]
