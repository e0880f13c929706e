"""Text to message and message to text, in one of the two versions of the standard.

The valid message is the fast path: one pass of pydantic from text to instance. Only text that failed is parsed again,
to find out which of the two refusals it deserves and what to say about it, or which of its keys a lenient reader skips.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import from_json

from s2.errors import InvalidData, InvalidMessage, ProfileError, RemoteProtocolError
from s2.messages.catalogue import MESSAGE_CLASSES, Message
from s2.messages.ddbc import DDBCPresentDemandStatus, DDBCSystemDescription
from s2.messages.labels import ID_EXPECTED, first_fault, quoted, unknown_keys
from s2.messages.model import is_id
from s2.versions import WireProfile

_ADAPTER: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="message_type")])
_from_text: Final = _ADAPTER.validator.validate_json
_to_text: Final = _ADAPTER.serializer.to_json


def parse_message(text: str | bytes, profile: WireProfile) -> Message:
    """Return the one message that the text holds.

    Raises InvalidData if nothing can be answered by id, InvalidMessage if something can; see `s2.errors`.
    """
    try:
        message: Message = _from_text(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _refusal(text, error) from None
    if type(message) is DDBCSystemDescription or type(message) is DDBCPresentDemandStatus:
        _require_profile(message, profile)
    return message


def parse_known_keys(text: str | bytes, profile: WireProfile) -> tuple[Message, Iterator[tuple[str, str]]]:
    """Return the message that the text holds when unknown keys are skipped, and the rule and JSON path of each of them.

    For text that `parse_message` refused. Raises what that would raise if the text had no unknown keys.
    """
    try:
        message: Message = _from_text(text, strict=True, extra="ignore", by_alias=True, by_name=False)
    except ValidationError as error:
        raise _refusal(text, error) from None
    if isinstance(message, DDBCSystemDescription | DDBCPresentDemandStatus):
        _require_profile(message, profile)
    return message, unknown_keys(_document(text), message)


def dump_message(message: Message, profile: WireProfile | None) -> str:
    """Return the message's JSON text, absent fields omitted.

    Raises ProfileError if the version does not know the message; without a version (none negotiated yet) nothing is
    judged.
    """
    if type(message) is DDBCSystemDescription or type(message) is DDBCPresentDemandStatus:
        fault = _profile_fault(message, profile)
        if fault is not None:
            raise ProfileError(f"{message.message_type} {fault}")
    return _to_text(message, by_alias=True, exclude_none=True).decode()


def _require_profile(message: DDBCSystemDescription | DDBCPresentDemandStatus, profile: WireProfile) -> None:
    fault = _profile_fault(message, profile)
    if fault is not None:
        raise InvalidMessage(message.message_id, message.message_type, fault, "R-16")


def _profile_fault(message: DDBCSystemDescription | DDBCPresentDemandStatus, profile: WireProfile | None) -> str | None:
    """Judge the only two things in which the versions differ (R-16)."""
    has_rate = message.present_demand_rate is not None
    match message:
        case DDBCPresentDemandStatus() if profile is WireProfile.V0_0_2_BETA:
            return "$.message_type: unknown in 0.0.2-beta"
        case DDBCSystemDescription() if profile is WireProfile.V0_0_2_BETA and not has_rate:
            return "$.present_demand_rate: required in 0.0.2-beta"
        case DDBCSystemDescription() if profile is WireProfile.V1_0_0 and has_rate:
            return "$.present_demand_rate: unknown in 1.0.0"
    return None


def _document(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that the text holds. Raises InvalidData."""
    try:
        # A str can hold lone surrogates, which no UTF-8 can: that is a ValueError as well.
        document = from_json(text.encode() if isinstance(text, str) else text, allow_inf_nan=False)
    except ValueError as problem:
        raise InvalidData(f"not JSON: {problem}") from None
    if not isinstance(document, dict):
        raise InvalidData("$: should be an object")
    return document


@dataclass(config=ConfigDict(extra="ignore"))
class _Head:
    """What tells whom a refusal is about, whatever else is in the object."""

    message_type: Any = None
    message_id: Any = None
    subject_message_id: Any = None


_head_from_text: Final = TypeAdapter(_Head).validator.validate_json


def _head(text: str | bytes) -> _Head:
    """Read the head without making Python objects of the rest. Raises InvalidData."""
    # The validator would let these pass, which are no JSON; inside of a string they do no harm.
    names = (b"NaN", b"Infinity") if isinstance(text, bytes) else ("NaN", "Infinity")
    if not any(name in text for name in names):  # type: ignore[operator]  # Both are of one kind.
        try:
            head: _Head = _head_from_text(text)
        except ValidationError:
            pass  # No JSON, or no object: reading all of it tells which.
        else:
            return head
    document = _document(text)
    return _Head(*(document.get(key) for key in ("message_type", "message_id", "subject_message_id")))


def _refusal(text: str | bytes, error: ValidationError) -> RemoteProtocolError:
    try:
        head = _head(text)
    except InvalidData as refusal:
        return refusal
    named = head.message_type
    message_type = named[:80] if isinstance(named, str) else None
    # A ReceptionStatus has no id of its own; the log can name the message that it is about.
    key = "subject_message_id" if message_type == "ReceptionStatus" else "message_id"
    message_id = getattr(head, key)
    if not is_id(message_id):
        return InvalidData(f"$.{key}: {ID_EXPECTED}", message_type=message_type)
    if message_type is None or named not in MESSAGE_CLASSES:
        return InvalidMessage(message_id, message_type, f"$.message_type: unknown, got {quoted(named)}")
    rule, label = first_fault(error)
    return InvalidMessage(message_id, message_type, label, rule)
