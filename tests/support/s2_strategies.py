"""Hypothesis strategies for S2 messages, read from the message classes themselves.

messages(profile)             any message of a version
instances(FRBCInstruction)    any instance of one message or component

What they draw is valid by the schema, not by the semantic rules. Arrays are kept short.
"""

from datetime import UTC, datetime, timedelta, timezone
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from annotated_types import MaxLen, MinLen
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from s2.messages import (
    MAX_DURATION_MS,
    MESSAGE_CLASSES,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    Message,
    NumberRange,
)
from s2.messages.model import Duration, Flag, Id, Number, Text, Timestamp
from s2.versions import WireProfile

_Instance = TypeVar("_Instance")

# More items cost time and find nothing that three do not find.
_ITEMS_AT_MOST = 3

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:"

ids: st.SearchStrategy[str] = st.one_of(st.uuids(version=4).map(str), st.text(_ID_CHARACTERS, min_size=2, max_size=64))
numbers: st.SearchStrategy[float] = st.floats(allow_nan=False, allow_infinity=False)
durations: st.SearchStrategy[int] = st.one_of(st.integers(0, 86_400_000), st.integers(0, MAX_DURATION_MS))
_offsets = st.one_of(st.just(UTC), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))
# A margin of two years keeps every offset within what a UTC datetime can hold.
timestamps: st.SearchStrategy[datetime] = st.datetimes(
    datetime(3, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds and adds the zone itself.
    datetime(9997, 12, 31),  # noqa: DTZ001
    timezones=_offsets,
)

_SCALARS: tuple[tuple[object, st.SearchStrategy[Any]], ...] = (
    (Id, ids),
    (Number, numbers),
    (Duration, durations),
    (Timestamp, timestamps),
    (Flag, st.booleans()),
    (Text, st.text(st.characters(codec="utf-8"), max_size=20)),
)


def instances(message_class: type[_Instance], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[_Instance]:
    """Instances of one message or component class; `given` replaces the strategies of some fields."""
    hints = get_type_hints(message_class, include_extras=True)
    drawn = {name: _values(hint) for name, hint in hints.items() if name not in given}
    # Not st.builds: it would add what the signature requires, which has the names of the wire.
    return st.fixed_dictionaries(drawn | given).map(lambda values: message_class(**values))


def messages(profile: WireProfile) -> st.SearchStrategy[Message]:
    """Messages that the version knows."""
    return st.one_of([messages_of(each, profile) for each in classes_of(profile)])


def messages_of(message_class: type[Message], profile: WireProfile) -> st.SearchStrategy[Message]:
    """Instances of one message class as the version knows it."""
    if message_class is DDBCSystemDescription:
        beta = profile is WireProfile.V0_0_2_BETA
        return instances(message_class, present_demand_rate=instances(NumberRange) if beta else st.none())
    return instances(message_class)


def classes_of(profile: WireProfile) -> list[type[Message]]:
    """The message classes of a version."""
    beta = profile is WireProfile.V0_0_2_BETA
    return [each for each in MESSAGE_CLASSES.values() if not (beta and each is DDBCPresentDemandStatus)]


def _values(hint: Any) -> st.SearchStrategy[Any]:
    for scalar, strategy in _SCALARS:
        if hint == scalar:
            return strategy
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        return _arrays(inner, metadata) if get_origin(inner) is tuple else _values(inner)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is UnionType or NoneType in get_args(hint):
        return st.one_of([_values(member) for member in get_args(hint)])
    if hint is NoneType:
        return st.none()
    return st.sampled_from(list(hint)) if isinstance(hint, EnumType) else instances(hint)


def _arrays(inner: Any, metadata: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    bounds = [bound for info in metadata if isinstance(info, FieldInfo) for bound in info.metadata]
    least = next(bound.min_length for bound in bounds if isinstance(bound, MinLen))
    most = next((bound.max_length for bound in bounds if isinstance(bound, MaxLen)), _ITEMS_AT_MOST)
    item = _values(get_args(inner)[0])
    return st.lists(item, min_size=least, max_size=min(most, max(least, _ITEMS_AT_MOST))).map(tuple)
