"""A link's conversation as people read it. Pure: log entries in, lines to show out.

What a peer sent may be anything: not JSON, cut, nested a thousand times, full of surrogates. Each is shown as far as
it can be shown, and none of it breaks the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cem_service.labels import RECEPTION_COLOURS
from flexhub.bus.streams import LOG_TEXT_LIMIT, LogEntry

UNREADABLE = "not an S2 message"
# Indented, a message of 8 KiB has less than 64 KiB, unless it is nested to make it grow.
PRETTY_LIMIT = 64 * 1024
NAME_LIMIT = 64
# A message that was cut can no longer be parsed, but its type stands in what is left.
_MESSAGE_TYPE = re.compile(r'"message_type"\s*:\s*"([\w.]{1,64})"')
# REFUSED is what the seat says of an instruction that it did not send, because it would have broken a rule.
_STATUS_COLOURS = {**RECEPTION_COLOURS, "REFUSED": "danger"}
_SEVERITY_COLOURS = {"error": "danger", "warning": "warning"}


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """`quirk` names what let the message pass all the same, if anything did."""

    rule: str
    severity: str
    text: str
    path: str
    quirk: str

    @property
    def colour(self) -> str:
        return _SEVERITY_COLOURS.get(self.severity, "danger")


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `status` is our reception status for what we received, and the peer's for what we sent."""

    at: datetime
    sent: bool
    message_type: str
    message_id: str
    text: str
    text_is: str
    status: str
    findings: tuple[ShownFinding, ...]

    @property
    def colour(self) -> str:
        return _STATUS_COLOURS.get(self.status, "")

    @property
    def is_bad(self) -> bool:
        return any(finding.severity != "warning" for finding in self.findings)


def read_conversation(entries: Iterable[LogEntry]) -> list[Line]:
    """Lines in the order of the entries.

    The log leaves out verdicts of OK, so what we sent has a status only where the peer refused it.
    """
    parsed = [(entry, _parse(entry.text)) for entry in entries]
    verdicts = {
        str(message.get("subject_message_id")): _name(message.get("status"))
        for entry, message in parsed
        if entry.direction == "received" and message.get("message_type") == "ReceptionStatus"
    }
    return [_line(entry, message, verdicts) for entry, message in parsed]


def _line(entry: LogEntry, message: Mapping[str, Any], verdicts: Mapping[str, str]) -> Line:
    found = _MESSAGE_TYPE.search(entry.text)
    message_id = _name(message.get("message_id"))
    status = entry.status or ""
    if entry.direction == "sent":
        status = verdicts.get(message_id, status)
    elif message.get("message_type") == "ReceptionStatus":
        status = status or _name(message.get("status"))
    return Line(
        at=entry.at,
        sent=entry.direction == "sent",
        message_type=_name(message.get("message_type")) or (found[1] if found else UNREADABLE),
        message_id=message_id,
        text=_pretty(message) or printable(entry.text),
        text_is="message" if message else "beginning of the text" if _is_cut(entry.text) else "text, as it came",
        status=status,
        findings=tuple(_finding(finding) for finding in entry.findings),
    )


def _finding(finding: Mapping[str, object]) -> ShownFinding:
    rule, severity, text, path, quirk = (
        printable(str(finding.get(key) or "")) for key in ("rule", "severity", "text", "path", "quirk")
    )
    return ShownFinding(rule, severity, text, "" if path == "$" else path, quirk)


def _parse(text: str) -> Mapping[str, Any]:
    """The message, or an empty one if this is none."""
    try:
        document = json.loads(text)
    # A number of 5,000 digits is a ValueError, and 8,000 brackets are too deep.
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _pretty(message: Mapping[str, Any]) -> str:
    """Indented, or nothing if that would make it too long."""
    if not message:
        return ""
    parts: list[str] = []
    length = 0
    try:
        for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(message):
            parts.append(part)
            length += len(part)
            if length > PRETTY_LIMIT:
                return ""
    except (ValueError, RecursionError):
        return ""
    return printable("".join(parts))


def _is_cut(text: str) -> bool:
    """The log cuts at a number of bytes and drops what is left of a character there."""
    return len(text.encode("utf-8", "replace")) > LOG_TEXT_LIMIT - 4


def _name(value: object) -> str:
    return printable(value[:NAME_LIMIT]) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """Without lone surrogates, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
