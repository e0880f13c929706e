"""What a device has said, without the name that people gave it: for those who look after the product only. Pure.

S2 has one field for such a name, `name` of ResourceManagerDetails ("human readable name given by user"). It is taken
out of the text itself, so also where a message is cut, broken or of a type that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from flexhub.bus.streams import LogEntry

NOT_SHOWN = "(not shown)"
# A text that was cut may end within the name.
_NAME = re.compile(r'("name"\s*:\s*)"(?:[^"\\]|\\.)*(?:"|\\?$)', re.DOTALL)


def without_name(text: str) -> str:
    return _NAME.sub(rf'\1"{NOT_SHOWN}"', text)


def entry_without_name(entry: LogEntry) -> LogEntry:
    findings = tuple(_finding_without_name(finding) for finding in entry.findings)
    return replace(entry, text=without_name(entry.text), findings=findings)


def _finding_without_name(finding: Mapping[str, object]) -> Mapping[str, object]:
    """What is wrong with a name may quote it."""
    return {**finding, "text": NOT_SHOWN} if str(finding.get("path", "")).startswith("$.name") else finding
