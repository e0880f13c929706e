"""A link's conversation as a recording that `python -m s2.check` judges. Pure: log entries in, lines out.

The log does not hold all that was said, so a part of the recording is made up for. Each such line says so under `note`,
a key that s2.check does not look at:

    answers we gave       follow the received message at once, with the status of its log entry; a relayed message
                          whose refusal does not stand in the log was answered OK
    answers we got        the log keeps refusals only; what was not refused is answered OK before we speak again, and
                          within a second
    TEMPORARY_ERROR       is the answer to what was sent a second time in the same words
    the opening           where the log no longer reaches back to it: Handshakes of the agreed version, details, control
                          type and offers, from the link's state as it is now

Left out is what the log has cut at 8 KiB, unless the link's state still holds it whole; frames that were no messages;
what our own rules kept from being sent; and, without the beginning, what refers to something before. The line after
says what was left out. A message that was sent in vain stays without answer, and s2.check finds that (R-01).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flexhub.bus.snapshot import CONTROL_TYPE_FIELD, FAMILY_PREFIXES, PROFILE_FIELD
from flexhub.bus.streams import LOG_TEXT_LIMIT, LogEntry
from s2.messages import EnergyManagementRole, ReceptionStatusValues
from s2.receptions import NIL_ID, reception_text
from s2.recording import Frame, write_frame
from s2.versions import ALL_PROFILES

#: S2 wants answers within a second.
_ANSWER_TIME = timedelta(seconds=1)
_CEM, _RM = EnergyManagementRole.CEM, EnergyManagementRole.RM
_OK, _TEMPORARY = ReceptionStatusValues.OK, ReceptionStatusValues.TEMPORARY_ERROR
_MESSAGE_ID = re.compile(r'"message_id"\s*:\s*"([a-zA-Z0-9\-_:]{2,64})"')
_NOT_SENT = "REFUSED"
_OPENING = frozenset({"Handshake", "HandshakeResponse"})
# What is said before both peers of a relayed link are there.
_MEETING = frozenset({"Handshake", "ReceptionStatus"})
_REFERENCES = {"InstructionStatusUpdate": "instruction_id", "ReceptionStatus": "subject_message_id"}
_MADE_UP = "made up for: the log does not hold it"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Said:
    """A log entry that was read. `whole` is its text, and None where it is cut and nothing else holds it."""

    entry: LogEntry
    sender: EnergyManagementRole
    whole: str | None
    message: Document

    @property
    def type(self) -> str:
        return str(self.message.get("message_type", ""))

    @property
    def id(self) -> str:
        return str(self.message.get("message_id", ""))

    @property
    def ours(self) -> bool:
        return self.entry.direction == "sent"

    @property
    def was_taken(self) -> bool:
        return not self.ours and self.entry.status in (None, _OK)


def recording(
    entries: Iterable[LogEntry], state: Mapping[str, str] | None = None, peer: EnergyManagementRole = _RM
) -> Iterator[str]:
    """The lines of the link's latest connection, without line ends.

    `entries` newest first, as the bus gives them; `state` is the link's snapshot, if it has a session; `peer` is who
    is at the other end of our socket.
    """
    state = state or {}
    said = [_read(entry, state, peer) for entry in reversed(list(entries))]
    begin = _last_handshake(said)
    opening: list[tuple[EnergyManagementRole, str]] = []
    known: frozenset[str] | None = None
    if begin is None:
        said = [each for each in said if each.type not in _OPENING]
        begin = _first_fresh_start(said)
        opening, known = _opening(said[begin:], state), _ids_in(said[begin:])
    said = said[begin:]
    if said:
        writer = _Writer(peer, said, known)
        yield from writer.open(opening, said[0].entry.at)
        yield from writer.lines()


@dataclass(slots=True)
class _Writer:
    """Writes the lines in their order. `known`: what may be referred to, None where the recording has its beginning."""

    peer: EnergyManagementRole
    said: Sequence[_Said]
    known: frozenset[str] | None
    _due: list[tuple[datetime, str, ReceptionStatusValues]] = field(default_factory=list)
    _left_out: list[str] = field(default_factory=list)

    @property
    def _host(self) -> EnergyManagementRole:
        return _CEM if self.peer is _RM else _RM

    def open(self, opening: Iterable[tuple[EnergyManagementRole, str]], at: datetime) -> Iterator[str]:
        for sender, text in opening:
            yield self._line(sender, at, text, note=_MADE_UP)
            yield self._answer(_other(sender), at, _id_of(text), _OK)

    def lines(self) -> Iterator[str]:
        texts_again = _sent_again(self.said)
        answered = _answered(self.said)
        unanswered = {each.id for each in self.said if _is_report_of_silence(each)}
        for place, each in enumerate(self.said):
            yield from self._answers_due(each.entry.at, before_ours=each.ours)
            if (reason := self._obstacle(each)) is not None:
                self._left_out.append(reason)
                continue
            assert each.whole is not None  # noqa: S101  # An obstacle otherwise.
            yield self._line(each.sender, each.entry.at, each.whole)
            if each.type == "ReceptionStatus":
                continue
            if place in answered:
                continue
            if not each.ours:
                status = ReceptionStatusValues(each.entry.status or _OK)
                yield self._answer(self._host, each.entry.at, each.id or NIL_ID, status)
            elif place in texts_again:
                self._due.append((each.entry.at, each.id, _TEMPORARY))
            elif each.id not in unanswered:
                self._due.append((each.entry.at, each.id, _OK))
        yield from self._answers_due(None, before_ours=True)

    def _answers_due(self, now: datetime | None, *, before_ours: bool) -> Iterator[str]:
        while self._due and (before_ours or now is None or now > self._due[0][0] + _ANSWER_TIME):
            at, message_id, status = self._due.pop(0)
            yield self._answer(self.peer, at, message_id, status)

    def _obstacle(self, each: _Said) -> str | None:
        """Why this is left out, or None."""
        name = each.type or "a frame"
        if each.whole is None:
            return f"{name}, longer than the log keeps"
        if each.entry.status == _NOT_SENT:
            return f"{name}, which was not sent"
        if _is_report_of_silence(each):
            return f"{name}, a second time, as the report that it was not answered"
        if not each.ours and each.entry.status is None and not each.message:
            return "a frame that the WebSocket did not take"
        if self.known is not None and (key := _reference(each)) is not None and each.message.get(key) not in self.known:
            return f"{name}, which refers to what is no longer in the log"
        return None

    def _answer(self, sender: EnergyManagementRole, at: datetime, subject: str, status: ReceptionStatusValues) -> str:
        return self._line(sender, at, reception_text(subject, status), note=_MADE_UP)

    def _line(self, sender: EnergyManagementRole, at: datetime, text: str, note: str = "") -> str:
        notes = [note] if note else []
        if self._left_out:
            notes.append(f"left out before this: {'; '.join(self._left_out)}")
            self._left_out.clear()
        line = write_frame(Frame(at, sender, text))
        return json.dumps(json.loads(line) | {"note": ". ".join(notes)}) if notes else line


# -- Reading -----------------------------------------------------------------------------------------------------------


def _read(entry: LogEntry, state: Mapping[str, str], peer: EnergyManagementRole) -> _Said:
    sender = peer if entry.direction == "received" else _other(peer)
    text = entry.text
    if len(text.encode("utf-8", "replace")) > LOG_TEXT_LIMIT - 4:
        # The log has cut it. A description that is still in force stands in the link's state.
        found = _MESSAGE_ID.search(text)
        held = (each for each in state.values() if found and _id_of(each) == found[1])
        whole = next(held, None)
        return _Said(entry, sender, whole, _parse(whole or "") or _parse_head(text))
    return _Said(entry, sender, text, _parse(text))


def _parse(text: str) -> Document:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _parse_head(text: str) -> Document:
    """What can be told of a text that is cut."""
    found = {name: re.search(rf'"{name}"\s*:\s*"([^"]{{1,64}})"', text) for name in ("message_type", "message_id")}
    return {name: match[1] for name, match in found.items() if match}


def _id_of(text: str) -> str:
    return str(_parse(text).get("message_id", ""))


def _other(role: EnergyManagementRole) -> EnergyManagementRole:
    return _RM if role is _CEM else _CEM


def _is_report_of_silence(each: _Said) -> bool:
    return each.ours and any(finding.get("rule") == "R-01" for finding in each.entry.findings)


def _sent_again(said: Sequence[_Said]) -> set[int]:
    """Places of what we sent and then sent once more, unchanged."""
    again: set[int] = set()
    latest: dict[str, int] = {}
    for place, each in enumerate(said):
        if each.ours and each.id and not _is_report_of_silence(each) and each.entry.status != _NOT_SENT:
            if each.entry.text in latest:
                again.add(latest[each.entry.text])
            latest[each.entry.text] = place
    return again


def _answered(said: Sequence[_Said]) -> set[int]:
    """Places of the messages whose verdict stands in the log: refusals by the peer, and by the far end of a relay."""
    answered: set[int] = set()
    latest: dict[tuple[bool, str], int] = {}
    for place, each in enumerate(said):
        if each.type == "ReceptionStatus":
            subject = latest.get((not each.ours, str(each.message.get("subject_message_id"))))
            if subject is not None:
                answered.add(subject)
        elif each.id:
            latest[each.ours, each.id] = place
    return answered


def _reference(each: _Said) -> str | None:
    if each.type == "RevokeObject":
        return "object_id" if str(each.message.get("object_type", "")).endswith("Instruction") else None
    return _REFERENCES.get(each.type)


# -- Where it begins ---------------------------------------------------------------------------------------------------


def _last_handshake(said: Sequence[_Said]) -> int | None:
    """Where the latest connection begins: with Handshakes, one of either side, and nothing but answers between them.

    The hub's is the first that is said. On a relayed link it is that of the far peer, which comes when it comes; a
    device's is held back until then.
    """
    begin = None
    seen: dict[bool, str] = {}
    for place in range(len(said) - 1, -1, -1):
        each = said[place]
        if each.type == "Handshake" and (each.ours or each.was_taken):
            # The same one again is a repetition and no other connection.
            if seen.setdefault(each.ours, each.id) != each.id:
                break
            begin = place
        elif begin is not None and each.type not in _MEETING:
            break
    # The log may have lost the hub's, which was before.
    return begin if begin or True in seen else None


def _first_fresh_start(said: Sequence[_Said]) -> int:
    """What came before refers to details, a control type or a description that nobody knows any more."""
    for starts in (_are_details, _is_selection, _is_description):
        for place, each in enumerate(said):
            if starts(each):
                return place
    return 0


def _are_details(each: _Said) -> bool:
    return each.type == "ResourceManagerDetails" and each.was_taken


def _is_selection(each: _Said) -> bool:
    return each.type == "SelectControlType"


def _is_description(each: _Said) -> bool:
    return each.type.endswith(".SystemDescription") and each.was_taken


def _opening(said: Sequence[_Said], state: Mapping[str, str]) -> list[tuple[EnergyManagementRole, str]]:
    """What has to be known before the first entry, from the link's state."""
    version = state.get(PROFILE_FIELD, ALL_PROFILES[-1].value)
    opening = [
        (_CEM, _message("Handshake", 1, role="CEM", supported_protocol_versions=[version])),
        (_RM, _message("Handshake", 2, role="RM", supported_protocol_versions=[version])),
        (_CEM, _message("HandshakeResponse", 3, selected_protocol_version=version)),
    ]
    begins_with = said[0].type if said else ""
    if begins_with == "ResourceManagerDetails" or "ResourceManagerDetails" not in state:
        return opening
    opening.append((_RM, state["ResourceManagerDetails"]))
    control_type = state.get(CONTROL_TYPE_FIELD)
    if begins_with == "SelectControlType" or control_type is None:
        return opening
    opening.append((_CEM, _message("SelectControlType", 4, control_type=control_type)))
    repeated = {each.id for each in said}
    offers = [name for name in state if name.startswith(FAMILY_PREFIXES) and _id_of(state[name]) not in repeated]
    # A description comes first: states speak of it.
    offers.sort(key=lambda name: not name.endswith(".SystemDescription"))
    return opening + [(_RM, state[name]) for name in offers]


def _message(message_type: str, number: int, **fields: object) -> str:
    return json.dumps({"message_type": message_type, "message_id": f"made-up-{number}", **fields})


def _ids_in(said: Iterable[_Said]) -> frozenset[str]:
    """Ids of what we sent, and of the instructions in it."""
    ours = [each.message for each in said if each.ours and each.whole is not None]
    return frozenset(str(message[key]) for message in ours for key in ("message_id", "id") if key in message)
