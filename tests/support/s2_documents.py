"""Documents made from a schema, and documents spoilt in one place. A seed names each of them.

document(schema, random)     a document that the schema accepts, often with odd but legal values
spoil(document, random)      change something somewhere; the result may be valid all the same
wire_text(document, random)  as text, with the freedom that JSON leaves to a writer
same(schema, one, other)     whether two documents say the same
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final
from uuid import UUID

from s2.messages import MAX_DURATION_MS
from tests.support.s2_schemas import Schema, moment_of

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:"

_NUMBERS: Final[tuple[float, ...]] = (
    0, -0.0, 1, -1, 5.0, 0.1, -0.5, 1e-7, 1.5e3, 2**53, -(2**53), 5e-324, 1e308, -1.7976931348623157e308, 10**300,
)  # fmt: skip
_DURATIONS: Final[tuple[float, ...]] = (
    0, -0.0, 1, 1000, 900_000, 5.0, 5e3, MAX_DURATION_MS, float(MAX_DURATION_MS),
)  # fmt: skip
_TEXTS = (
    "",
    " ",
    "battery",
    "Keller-Wärmepumpe",
    "蓄電池",
    "🔋",
    "a\u0000b",
    '"\\/\n\t',
    "null",
    "2026-01-15T12:00:00Z",
)

#: One value of every kind that could be taken for another.
ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 5, 5.0, 5.5, 10**400, "", "5", "ab", "ab\n", "OK", "true", "2026-01-15T12:00:00Z",
    "2026-01-15T12:00:00", "ELECTRIC.POWER.L1", [], ["ab"], [None], {}, {"start_of_range": 1, "end_of_range": 0},
)  # fmt: skip

#: Up to so many values an array is filled to its bound at times; larger ones cost time and find nothing else.
_VALUES_AT_MOST = 400


def document(schema: Schema, random: Random) -> Any:
    """A document that the schema accepts."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "pattern" in schema:
        return _id(random)
    if "format" in schema:
        return _timestamp(random)
    return _MAKERS[schema["type"]](schema, random)


def spoil(whole: dict[str, Any], random: Random) -> None:
    """Change one thing at a random place, as long as there is anything."""
    if not whole:
        return
    holder, key = _place(whole, random)
    random.choice(_FAULTS)(whole, holder, key, random)


def wire_text(value: Any, random: Random) -> str:
    indent = random.choice((None, None, 0, 2))
    separators = random.choice((None, (",", ":"), (" ,\t", "\r\n: ")))
    return json.dumps(value, ensure_ascii=random.random() < 0.5, indent=indent, separators=separators)


def same(schema: Schema, one: Any, other: Any) -> bool:
    """Equal JSON: numbers as doubles, timestamps as moments with their offset, the rest to the letter."""
    if schema.get("format") == "date-time":
        first, second = moment_of(one), moment_of(other)
        return first is not None and first == second and first.utcoffset() == second.utcoffset()
    match schema["type"]:
        case "object":
            fields = schema["properties"]
            return set(one) == set(other) and all(same(fields[name], one[name], other[name]) for name in one)
        case "array":
            return len(one) == len(other) and all(map(same, [schema["items"]] * len(one), one, other))
        case "number" | "integer":
            return type(other) in (int, float) and float(one) == float(other)
    return bool(type(one) is type(other) and one == other)


def _object(schema: Schema, random: Random) -> dict[str, Any]:
    names = [name for name in schema["properties"] if name in schema["required"] or random.random() < 0.5]
    random.shuffle(names)
    return {name: document(schema["properties"][name], random) for name in names}


def _array(schema: Schema, random: Random) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 5)
    length = random.choice((least, least, least + 1, least + 2, most))
    if length * _size(schema["items"]) > _VALUES_AT_MOST:
        length = least
    return [document(schema["items"], random) for _ in range(min(length, most))]


def _size(schema: Schema) -> int:
    """About how many values a document of that schema has."""
    if schema.get("type") == "object":
        return sum(_size(inner) for inner in schema["properties"].values())
    return 3 * _size(schema["items"]) if schema.get("type") == "array" else 1


def _id(random: Random) -> str:
    if random.random() < 0.5:
        return str(UUID(int=random.getrandbits(128), version=4))
    return "".join(random.choices(_ID_CHARACTERS, k=random.choice((2, 3, 36, 64))))


def _timestamp(random: Random) -> str:
    moment = datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(9999 * 365 * 86_400))
    if random.random() < 0.7:
        moment = moment.replace(year=random.randint(2020, 2030), day=min(moment.day, 28))
    offset = random.choice((0, 0, 60, 120, -210, 345, random.randint(-1439, 1439)))
    if 2 <= moment.year <= 9997:
        moment = moment.astimezone(timezone(timedelta(minutes=offset)))
    text = moment.strftime("%m-%dT%H:%M:%S")
    fraction = "".join(random.choices("0123456789", k=random.choice((0, 0, 0, 1, 3, 6, 9, 20))))
    zone = moment.isoformat()[-6:]
    if zone == "+00:00":
        zone = random.choice(("Z", "z", "+00:00", "-00:00"))
    written = f"{moment.year:04}-{text}{fraction and f'.{fraction}'}{zone}"
    return written.replace("T", "t") if random.random() < 0.1 else written


def _number(_: Schema, random: Random) -> float:
    return random.choice((*_NUMBERS, random.uniform(-1e4, 1e4), random.randint(-10_000, 10_000), random.gauss(0, 1)))


def _duration(_: Schema, random: Random) -> float:
    return random.choice((*_DURATIONS, random.randint(0, 86_400_000), random.randint(0, MAX_DURATION_MS)))


_MAKERS: Final[dict[str, Callable[[Schema, Random], Any]]] = {
    "object": _object,
    "array": _array,
    "boolean": lambda _, random: random.random() < 0.5,
    "number": _number,
    "integer": _duration,
    "string": lambda _, random: random.choice(_TEXTS),
}


def _odd(random: Random) -> Any:
    return deepcopy(random.choice(ODD_VALUES))


_Holder = Any
_Fault = Callable[[dict[str, Any], _Holder, Any, Random], None]


def _place(whole: Any, random: Random) -> tuple[_Holder, Any]:
    """A container and a key of it, at any depth."""
    holder = whole
    while True:
        key = random.choice(list(holder)) if isinstance(holder, dict) else random.randrange(len(holder))
        inner = holder[key]
        if not (isinstance(inner, dict | list) and inner) or random.random() < 0.2:
            return holder, key
        holder = inner


def _drop(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    del holder[key]


def _add(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    if isinstance(holder, list):
        holder.insert(key, _odd(random))
    else:
        holder[random.choice(("extra", "", "message_id", "from_", "id", "Id", "$ref", "é"))] = _odd(random)


def _retype(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    holder[key] = _odd(random)


def _nullify(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    holder[key] = None


def _nest(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    value = holder[key]
    holder[key] = random.choice(([value], {"value": value}, {str(key): value}))


def _misspell(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    if isinstance(holder, dict):
        holder[_misspelt(key, random)] = holder.pop(key)
    else:
        _bend(_, holder, key, random)


def _swap(whole: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    """Put a value of another place of the same message here."""
    other, its_key = _place(whole, random)
    value = other[its_key]
    # A value within itself would be no document any more.
    holder[key] = deepcopy(value)


def _bend(_: dict[str, Any], holder: _Holder, key: Any, random: Random) -> None:
    """Bring a value near or across its bounds, without changing its kind."""
    match holder[key]:
        case str() as text:
            holder[key] = _misspelt(text, random)
        case bool() as flag:
            holder[key] = not flag
        case int() | float():
            holder[key] = random.choice(
                (*_DURATIONS, -1, -0.5, 5e-324, 5.5, 1e10 + 0.5, 2.0**53, 2**53, 1e308, 10**400)
            )
        case list() as items:
            length = random.choice((0, 1, 2, 3, 4, 5, 6, 10, 11, 100, 101))
            holder[key] = deepcopy((items * length)[:length])


def _misspelt(text: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    return random.choice(
        (
            text.lower(), text.upper(), text[:at], text[at:], f"{text} ", f"{text}\n", f" {text}", text[:-1], text * 2,
            text[:at] + random.choice("0123456789:.-+TZ_aé٣") + text[at + 1 :],
            text[:at] + random.choice("0123456789:.-+TZ_aé٣") + text[at:],
            text.replace("_", ""), text.replace("T", " "), text.replace("Z", ""), text.replace("+", "-"),
        )
    )  # fmt: skip


_FAULTS: Final[tuple[_Fault, ...]] = (_drop, _add, _retype, _nullify, _nest, _misspell, _swap, _bend, _bend, _bend)
