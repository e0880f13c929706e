"""Short texts about what is wrong with a message: where (a JSON path) and what would be right.

They go back to the peer as diagnostic labels and into the log, so what they repeat of the input is short.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from s2.messages.catalogue import Message

ID_EXPECTED: Final = "should be 2 to 64 of a-z A-Z 0-9 - _ :"

_SHOWN: Final = 40
"""How many characters of a value or of a key a label repeats."""

_LISTED: Final = 160
"""An enumeration is listed in full up to this length; only currencies and quantities are longer."""

_MANY_FAULTS: Final = 1000
"""Above this, only the count is told: looking into every fault would cost more than the message is worth."""


_EXPECTED: Final = {
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
    "float_type": "should be a number",
    "dataclass_type": "should be an object",
    "string_pattern_mismatch": ID_EXPECTED,
    "string_type": "should be a string",
    "tuple_type": "should be an array",
}


_RULES: Final = {
    "string_pattern_mismatch": "R-05",  # Nothing but ids has a pattern.
    "too_short": "R-08",
    "too_long": "R-08",
    "unexpected_keyword_argument": "R-09",
    "finite_number": "R-10",
    "timestamp": "R-22",
}
"""Which rule a kind of fault breaks; all others just break the schema, R-03."""

_DDBC_SPELLINGS: Final = frozenset({"Id", "id", "supported_commodites", "supported_commodities"})
"""Keys that the standard spells in its own way in one place, and that are often "corrected" (R-144)."""


def quoted(value: object) -> str:
    """Return the value as JSON would write it, cut short; containers only by their kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        value = value[: _SHOWN + 1]
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return rule, and path with expectation, of the first fault; pydantic makes no trustworthy count of the others."""
    count = error.error_count()
    if count > _MANY_FAULTS:
        return "R-03", f"$: {count} faults"
    fault = error.errors(include_url=False)[0]
    # The first item of the location is the message type, by which pydantic chose the model.
    return _rule(fault), f"{_path(fault['loc'][1:])}: {_expectation(fault)}"


def unknown_keys(read: dict[str, Any], message: Message) -> Iterator[tuple[str, str]]:
    """Yield rule and path of each key in a document that has no place in the message that was made of it."""
    for path, key in _strays(read, message, ()):
        misspelt = message.message_type.startswith("DDBC.") and key in _DDBC_SPELLINGS
        yield "R-144" if misspelt else "R-09", _path((*path, key))


def _strays(
    read: dict[str, Any], known: Any, path: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    names = _names(known.__class__)
    for key, value in read.items():
        name = names.get(key)
        if name is None:
            yield path, key
        elif type(value) is dict:
            yield from _strays(value, getattr(known, name), (*path, key))
        elif type(value) is list and value and type(value[0]) is dict:
            for index, (inner, item) in enumerate(zip(value, getattr(known, name), strict=True)):
                yield from _strays(inner, item, (*path, key, index))


@cache
def _names(message_class: type[Any]) -> dict[str, str]:
    """The fields of a message or component by their names on the wire."""
    fields: dict[str, FieldInfo] = message_class.__pydantic_fields__
    return {str(field.validation_alias or name): name for name, field in fields.items()}


def _rule(fault: ErrorDetails) -> str:
    message_type, *_, key = fault["loc"]
    if str(message_type).startswith("DDBC.") and key in _DDBC_SPELLINGS:
        return "R-144"
    return _RULES.get(fault["type"], "R-03")


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(_step(part) for part in location)


def _step(part: int | str) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() and len(part) <= _SHOWN else f"[{quoted(part)}]"


def _expectation(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return "required"
        case "unexpected_keyword_argument":
            return "unknown key"
        case "too_short":
            return f"should have {context['min_length']} or more items, has {context['actual_length']}"
        case "too_long":
            return f"should have {context['max_length']} or fewer items"
        case "enum" if len(context["expected"]) > _LISTED:
            expected = "should be one of the standard's values"
        case known:
            expected = _EXPECTED.get(known) or fault["msg"].removeprefix("Input ")
    return f"{expected}, got {quoted(fault['input'])}"
