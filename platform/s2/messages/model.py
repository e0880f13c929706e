"""What all S2 messages are made of: closed objects and the scalar types.

Wire text is validated in pydantic's strict JSON mode, in which nothing is coerced: a number is never read from a string
or a boolean, an enumeration never from anything but its exact spelling. Our own code constructs the same classes in the
lax mode, where lists may stand for tuples and None for an absent field, and where the strictness that matters (numbers,
booleans, ids, timestamps) is set on the types below.

Nothing is accepted that the standard's JSON schemas refuse. Where the two disagree, on purpose:

* An object is an object. The schemas forget to say so, and would take any string or number for one.
* An id matches its pattern as a whole (R-05). The schema forgets the anchors and accepts almost any text.
* A timestamp is a date-time of RFC 3339 with an offset (R-22). The schema only annotates the format. Of RFC 3339 itself
  we refuse leap seconds, the year 0000 and instants before year 1 or after year 9999 in UTC, which Python cannot hold.
* A number is a finite double (R-10): 1e999 is refused.
* A duration is at most 2**53 - 1 ms, the largest integer that all JSON parsers share (RFC 7493) and one that a
  timedelta can hold. 5.0 and 5e3 are integers to JSON Schema, so they are accepted, and held as int.
* JSON itself: NaN and Infinity, lone surrogates, more than about 200 levels of nesting and integers of more than 4,300
  digits are refused as text that is not JSON. Of a repeated key the last one counts, the others are not looked at.

What was read and is written again is equal JSON, if not the same text: the order of keys and the spaces are ours, a
number is the same double (an integer beyond 2**53 has lost digits, as in most JSON parsers), and a timestamp is the
same moment under the same offset, with Z for UTC and its fraction cut to microseconds.
"""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone
from typing import Annotated, Any, TypeGuard, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MAX_DURATION_MS = 2**53 - 1

_MINUTE = timedelta(minutes=1)

_CONFIG = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)

_ID_PATTERN = r"^[a-zA-Z0-9\-_:]{2,64}$"  # The regex engine of pydantic lets $ match at the very end only.
_usable_id = re.compile(r"[a-zA-Z0-9\-_:]{2,64}").fullmatch

_date_time = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
).fullmatch


_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def wire_object(cls: type[_Class]) -> type[_Class]:
    """Make the class a JSON object of the standard: immutable, closed to unknown keys, constructed by Python names.

    These are pydantic dataclasses with slots rather than BaseModels: validated at the same speed, but a session's
    descriptions and forecasts take a fifth of the memory. Change one with `dataclasses.replace`, which validates again.
    """
    return cast(type[_Class], dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)(cls))


def is_id(value: object) -> TypeGuard[str]:
    """Tell whether a value can stand where the standard wants an ID (R-05)."""
    return isinstance(value, str) and _usable_id(value) is not None


def _read_timestamp(value: object) -> datetime:
    moment = _parsed(value) if isinstance(value, str) else _offered(value)
    if moment is None:
        raise PydanticCustomError("timestamp", "should be an RFC 3339 date-time with an offset")
    if moment.year in (MINYEAR, MAXYEAR):
        _in_utc(moment)
    return moment


def _parsed(text: str) -> datetime | None:
    if _date_time(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None  # The right digits, but no such day.


def _offered(value: object) -> datetime | None:
    """A moment of our own code, as the wire can hold it."""
    if not isinstance(value, datetime) or (offset := value.utcoffset()) is None:
        return None
    # RFC 3339 cannot write an offset with seconds, and a named zone has had such in its history.
    return _in_utc(value) if type(value.tzinfo) is not timezone or offset % _MINUTE else value


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; what no later conversion could hold is refused, so that none has to expect it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("timestamp", "should lie between the years 1 and 9999 in UTC") from None


def _read_whole(value: float) -> int:
    # The multiple_of of pydantic is generous towards large numbers, the more so the larger they are.
    if not value.is_integer():
        raise PydanticCustomError("whole", "should be whole")
    return int(value)


class _TimestampSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_timestamp, serialization=core_schema.simple_ser_schema("datetime")
        )


class _DurationSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        double = core_schema.float_schema(strict=True, ge=0, le=MAX_DURATION_MS)
        return core_schema.union_schema(
            [
                core_schema.int_schema(strict=True, ge=0, le=MAX_DURATION_MS),
                core_schema.no_info_after_validator_function(_read_whole, double),
            ],
            mode="left_to_right",
            custom_error_type="duration",
            custom_error_message="should be a whole number of milliseconds from 0 to 2**53 - 1",
            serialization=core_schema.simple_ser_schema("int"),
        )


class _AbsentOrPresent:
    """On the wire an optional field is absent or has a value: the schema knows no null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        nullable = handler(source)
        if nullable["type"] != "nullable":
            raise TypeError("Maybe[...] wants a type that is not optional already")
        return core_schema.lax_or_strict_schema(lax_schema=nullable, strict_schema=nullable["schema"])


_T = TypeVar("_T")

Id = Annotated[str, Field(strict=True, pattern=_ID_PATTERN)]
Text = Annotated[str, Field(strict=True, min_length=0)]  # Any bound makes pydantic look for lone surrogates as well.
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Duration = Annotated[int, _DurationSchema()]
Timestamp = Annotated[datetime, _TimestampSchema()]
Maybe = Annotated[_T | None, _AbsentOrPresent()]


def items(least: int, most: int | None = None) -> FieldInfo:
    """Bound the length of an array (R-08). The first bad item ends its validation, so that refusing it is cheap."""
    bound: FieldInfo = Field(min_length=least, max_length=most, fail_fast=True)
    return bound
