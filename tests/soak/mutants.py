"""Frames that a broken or hostile peer might send: valid messages of a conversation, spoilt in many ways."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

from s2.messages import (
    MESSAGE_CLASSES,
    CommodityQuantity,
    ControlType,
    EnergyManagementRole,
    InstructionStatus,
    PPBCPowerSequenceStatus,
    ReceptionStatusValues,
    RevokableObjects,
)
from s2.states import SessionState, permits, state_under
from s2.versions import WireProfile
from tests.support.s2_documents import ODD_VALUES, document, spoil, wire_text
from tests.support.s2_samples import samples
from tests.support.s2_schemas import Schema, schema_of
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CONTROLLED

#: The largest frame that the gateway lets through, and so the largest one that a session ever sees.
LARGEST_FRAME = 1024 * 1024

_WORDS: Final[tuple[str, ...]] = (
    *ControlType, *CommodityQuantity, *InstructionStatus, *ReceptionStatusValues, *RevokableObjects,
    *PPBCPowerSequenceStatus, *MESSAGE_CLASSES, "mode-on", "mode-off", "actuator-1", "timer-on", "profile-1", "wash",
    "wash-eco", "constraints-1", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-15T12:00:05+05:30",
)  # fmt: skip
_NUMBERS: Final = ("0", "-0", "-1", "1e308", "-1e308", "1e999", "5e-324", "9007199254740991", "9" * 400, "NaN", "0.1")
_PIECES: Final = ("\x00", "\ufeff", "\ud800", "\\ud800", "🔋", '"', "\\", "{", "}", "[", "]", ",", ":", "null", "\n")

_Document = dict[str, Any]
_string = re.compile(r'"[^"\\]*"')
_number = re.compile(r"(?<=[:,\[ ])-?\d+(?:\.\d+)?(?=[,\]} \r\n])")


class Mutants:
    """An endless source of frames for one session. `own_ids` are ids that the peer may refer to."""

    def __init__(self, random: Random, peer: EnergyManagementRole, family: str) -> None:
        self._random = random
        self._number = 0
        self._any = [each | _FITTING.get(each["message_type"], {}) for each in samples().values()]
        for each in self._any:
            if family and each["message_type"] == "SelectControlType":
                each["control_type"] = CONTROLLED[family].value
        self._timely = [each for each in self._any if _is_timely(each["message_type"], peer, family)]

    def next(self, own_ids: list[str]) -> str:
        random = self._random
        draw = random.random()
        whole = self._message(own_ids)
        if draw < 0.25:
            text = wire_text(whole, random)
        elif draw < 0.55:
            for _ in range(random.choice((1, 1, 1, 2, 5))):
                spoil(whole, random)
            text = wire_text(whole, random)
        elif draw < 0.998:
            text = wire_text(whole, random)
            for _ in range(random.choice((1, 1, 1, 2, 8))):
                text = random.choice(_TEXTUAL)(text, random)
        else:
            text = random.choice(_GROWN)(whole, random)
        while size_of(text) > LARGEST_FRAME:
            text = text[: len(text) // 2]
        return text

    def _message(self, own_ids: list[str]) -> _Document:
        """A message, mostly one that makes sense now, under a new id, mostly about something that we know."""
        random = self._random
        self._number += 1
        if random.random() < 0.1:
            return _drawn(random)
        whole: _Document = json.loads(json.dumps(random.choice(self._timely if random.random() < 0.8 else self._any)))
        if random.random() < 0.9:
            whole |= {key: f"{key}-{self._number}" for key in ("message_id", "id") if key in whole}
        if own_ids:
            whole |= {key: random.choice(own_ids) for key in _REFERENCES if key in whole and random.random() < 0.8}
        return whole


def size_of(text: str) -> int:
    """Bytes on the wire; a lone surrogate, which no wire can carry, counts like any other character of its kind."""
    return len(text.encode("utf-8", "surrogatepass"))


_REFERENCES = ("subject_message_id", "instruction_id", "object_id")
_SCHEMAS: Final[tuple[Schema, ...]] = tuple(schema_of(each, WireProfile.V1_0_0) for each in MESSAGE_CLASSES.values())


#: Details as those that opened the session, so that any control type can be selected again.
_FITTING: Final[dict[str, _Document]] = {"ResourceManagerDetails": {"available_control_types": ALL_CONTROL_TYPES}}


def _is_timely(message_type: str, peer: EnergyManagementRole, family: str) -> bool:
    """Whether the message keeps such a session going; one that ends it comes seldom enough by chance."""
    state = state_under(CONTROLLED[family]) if family else SessionState.NEGOTIATING
    return message_type != "SessionRequest" and (
        permits(state, peer, message_type) or message_type == "ReceptionStatus"
    )


def _drawn(random: Random) -> _Document:
    drawn: _Document = document(random.choice(_SCHEMAS), random)
    return drawn


def _flip(text: str, random: Random) -> str:
    at = random.randrange(len(text) or 1)
    return text[:at] + chr(ord(text[at : at + 1] or "x") ^ 1 << random.randrange(7)) + text[at + 1 :]


def _cut(text: str, random: Random) -> str:
    start, end = sorted(random.choices(range(len(text) + 1), k=2))
    return random.choice((text[:start], text[start:], text[:start] + text[end:]))


def _splice(text: str, random: Random) -> str:
    other = json.dumps(_drawn(random))
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def _repeat(text: str, random: Random) -> str:
    start, end = sorted(random.choices(range(len(text) + 1), k=2))
    return text[:end] + text[start:end] * random.choice((1, 1, 3)) + text[end:]


def _insert(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(_PIECES) + text[at:]


def _duplicate_key(text: str, random: Random) -> str:
    """Name a key twice, with another value the first or the last time."""
    keys = re.findall(r'"\w+"(?=\s*:)', text)
    if not keys:
        return text
    pair = f"{random.choice(keys)}: {json.dumps(random.choice(ODD_VALUES))}"
    if random.random() < 0.5:
        return _replaced_once(re.compile(r"\{"), text, "{" + pair + ",", random)
    return _replaced_once(re.compile(r"\}"), text, "," + pair + "}", random)


def _other_word(text: str, random: Random) -> str:
    return _replaced_once(_string, text, json.dumps(random.choice(_WORDS)), random)


def _other_number(text: str, random: Random) -> str:
    return _replaced_once(_number, text, random.choice(_NUMBERS), random)


def _deepen(text: str, random: Random) -> str:
    depth = random.choice((10, 190, 210, 5000))
    opened, closed = random.choice((("[", "]"), ('{"a":', "}")))
    return _replaced_once(random.choice((_string, _number)), text, opened * depth + "1" + closed * depth, random)


def _replaced_once(pattern: re.Pattern[str], text: str, replacement: str, random: Random) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = random.choice(found)
    return text[: match.start()] + replacement + text[match.end() :]


def _grow_array(whole: _Document, random: Random) -> str:
    """Repeat the items of an array, alike or under ids of their own, up to what a frame holds."""
    arrays = [each for each in _containers(whole) if isinstance(each, list) and each]
    if not arrays:
        return _grow_text(whole, random)
    items = random.choice(arrays)
    item, room = json.dumps(items[0]), LARGEST_FRAME - len(json.dumps(whole))
    length = max(1, min(_amount(random), room // (len(item) + 16)))
    renamed = random.random() < 0.5 and isinstance(items[0], dict)
    items[:] = [_renamed(item, number) if renamed else json.loads(item) for number in range(length)]
    return json.dumps(whole)


def _grow_text(whole: _Document, random: Random) -> str:
    whole[random.choice(list(whole))] = random.choice(("x", "é", "🔋", '"', "ab ")) * _amount(random)
    return json.dumps(whole, ensure_ascii=random.random() < 0.5)


def _grow_keys(whole: _Document, random: Random) -> str:
    target = random.choice([each for each in _containers(whole) if isinstance(each, dict)])
    target |= dict.fromkeys((f"k{number}" for number in range(_amount(random) // 10)), random.choice(ODD_VALUES))
    return json.dumps(whole)


def _grow_number(whole: _Document, random: Random) -> str:
    digits = random.choice("19") * _amount(random)
    return _other(json.dumps(whole), random.choice((digits, f"0.{digits}", f"1e{digits}", f"-{digits}")), random)


def _grow_space(whole: _Document, random: Random) -> str:
    return _insert(json.dumps(whole), random).replace(":", ":" + random.choice(" \n\t") * (_amount(random) // 10))


def _grow_depth(whole: _Document, random: Random) -> str:
    opened = random.choice(("[", '{"a":', '[{"a":'))
    return _other(json.dumps(whole), opened * _amount(random), random)


def _other(text: str, replacement: str, random: Random) -> str:
    return _replaced_once(random.choice((_string, _number)), text, replacement, random)


def _amount(random: Random) -> int:
    """From some hundred to what fills a frame, small amounts as likely as large ones."""
    return int(2 ** random.uniform(8, 20))


def _containers(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    below = [found for each in inner for found in _containers(each)]
    return [value, *below] if isinstance(value, dict | list) else below


def _renamed(item: str, number: int) -> _Document:
    renamed: _Document = json.loads(item)
    return renamed | {key: f"{key}-{number}" for key in ("id", "Id") if key in renamed}


_TEXTUAL: Final[tuple[Callable[[str, Random], str], ...]] = (
    _flip, _cut, _splice, _repeat, _insert, _duplicate_key, _other_word, _other_word, _other_number, _deepen,
)  # fmt: skip
_GROWN: Final[tuple[Callable[[_Document, Random], str], ...]] = (
    _grow_array, _grow_array, _grow_array, _grow_text, _grow_keys, _grow_number, _grow_space, _grow_depth,
)  # fmt: skip
