"""Short texts about what is wrong with a message: where (a JSON path) and what would be right.

They go back to the peer as diagnostic labels and into the log, so what they repeat of the input is short.
"""

import json
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_SHOWN: Final = 40
"""How many characters of a value or of a key a label repeats."""

_MANY_FAULTS: Final = 1000
"""Above this, only the count is told: looking into every fault would cost more than the message is worth."""


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


def first_fault(error: ValidationError) -> str:
    """Return path and expectation of the first fault, and how many more there are."""
    count = error.error_count()
    if count > _MANY_FAULTS:
        return f"$: {count} faults"
    fault = error.errors(include_url=False)[0]
    # The first item of the location is the message type, by which pydantic chose the model.
    label = f"{_path(fault['loc'][1:])}: {_expectation(fault)}"
    return label if count == 1 else f"{label} (and {count - 1} more)"


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part[:_SHOWN]}" for part in location)


def _expectation(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return "required"
        case "extra_forbidden":
            return "unknown key"
        case "too_short":
            return f"should have at least {context['min_length']} items, has {context['actual_length']}"
        case "too_long":
            return f"should have at most {context['max_length']} items"
        case "string_pattern_mismatch":
            expected = "should be 2 to 64 of a-z A-Z 0-9 - _ :"
        case _:
            expected = fault["msg"].removeprefix("Input ")
    return f"{expected}, got {quoted(fault['input'])}"
