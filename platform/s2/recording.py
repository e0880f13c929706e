"""A recorded conversation: one JSON object a line for each frame, in the order in which they were sent.

    {"at": "2026-01-15T12:00:00Z", "from": "RM", "text": "{\"message_type\":\"Handshake\",...}"}
    {"at": "2026-01-15T12:00:00Z", "from": "CEM", "message": {"message_type": "Handshake", ...}}

    at        when the frame was sent, an RFC 3339 date-time with an offset; where the times run backwards, the later
              one counts for what follows
    from      who sent it, "RM" or "CEM"
    text      the text frame as it went over the wire, be it JSON or not
    message   instead of the text, the message itself: easier to write by hand

A file holds one connection from its beginning, in UTF-8. Blank lines and other keys mean nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from s2.messages import EnergyManagementRole
from s2.messages.labels import quoted
from s2.messages.model import Timestamp

_moment: Final = TypeAdapter[datetime](Timestamp).validate_python


class NotAFrame(ValueError):
    """A line that is no frame of a recording; the text says what would be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One text frame: when it was sent, by whom, and what it held."""

    at: datetime
    sender: EnergyManagementRole
    text: str


def read_frame(line: str | bytes) -> Frame | None:
    """The frame in a line of a recording, None for a blank line. Raises NotAFrame."""
    if not line.strip():
        return None
    try:
        document = from_json(line, allow_inf_nan=False)
    except ValueError as problem:
        raise NotAFrame(f"not JSON: {problem}") from None
    if not isinstance(document, dict):
        raise NotAFrame('should be an object like {"at": "...", "from": "RM", "text": "..."}')
    return Frame(_at(document), _sender(document), _text(document))


def write_frame(frame: Frame) -> str:
    """The line for a frame, without line end."""
    return json.dumps({"at": frame.at.isoformat(), "from": frame.sender.value, "text": frame.text})


def _at(document: dict[str, Any]) -> datetime:
    try:
        at = _moment(document.get("at"))
    except ValidationError:
        at = None
    # Deadlines are some seconds later, and have to be moments as well.
    if at is None or at.year == MAXYEAR:
        got = quoted(document.get("at"))
        raise NotAFrame(f'"at" should be an RFC 3339 date-time with an offset, got {got}')
    return at


def _sender(document: dict[str, Any]) -> EnergyManagementRole:
    try:
        return EnergyManagementRole(str(document.get("from")))
    except ValueError:
        raise NotAFrame(f'"from" should be "RM" or "CEM", got {quoted(document.get("from"))}') from None


def _text(document: dict[str, Any]) -> str:
    match document:
        case {"text": _, "message": _}:
            raise NotAFrame('should have either "text" or "message"')
        case {"text": str(text)}:
            return text
        case {"message": dict(message)}:
            return json.dumps(message)
    raise NotAFrame('should have the frame as a string "text" or as an object "message"')
