"""The ways in which addresses of the API say no, as errors to raise and as the OpenAPI document shows them.

APIException (the framework's)
├── Conflict        409: well asked, and not possible as things are
├── InvalidRequest  400: names each field that is wrong
└── Unavailable     503: worth asking again
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.serializers import BaseSerializer

from flexhub.api.problems import (
    MEDIA_TYPE,
    InvalidRequestSerializer,
    MissingScopesSerializer,
    ProblemSerializer,
    QuotaExceededSerializer,
)

RETRY_AFTER_S = 5
# What a serializer and a model say of nothing in particular.
_OF_NO_FIELD = frozenset({"non_field_errors", "__all__"})

Wrong = tuple[str, str]


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The state of the devices cannot be read now."
    # The framework answers with this as Retry-After.
    wait: ClassVar[int] = RETRY_AFTER_S


class InvalidRequest(APIException):
    """Its text is for people, its `errors` for programs."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"{field}: {detail}" if field else detail for field, detail in wrong))
        self.more = {"errors": [{"field": field, "detail": detail} for field, detail in wrong]}

    @classmethod
    def of(cls, error: ValidationError) -> InvalidRequest:
        """What a model or a service refused."""
        told = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        return cls(list(_flat(told)))


def checked(serializer: BaseSerializer[Any]) -> Any:
    """What was sent, as the serializer understands it. Raises InvalidRequest."""
    if not serializer.is_valid():
        raise InvalidRequest(list(_flat(serializer.errors)))
    return serializer.validated_data


def _flat(told: Any, field: str = "") -> Iterator[Wrong]:
    """One for each sentence, with the way to its field."""
    if isinstance(told, Mapping):
        for name, inner in told.items():
            yield from _flat(inner, _path(field, name))
    elif isinstance(told, list | tuple):
        for index, inner in enumerate(told):
            if isinstance(inner, Mapping):
                # One for each element of a list that was sent; what is right with it is empty.
                yield from _flat(inner, f"{field}[{index}]")
            else:
                yield from _flat(inner, field)
    else:
        yield field, str(told)


def _path(field: str, name: Any) -> str:
    if name in _OF_NO_FIELD:
        return field
    if isinstance(name, int):
        return f"{field}[{name}]"
    return f"{field}.{name}" if field else str(name)


# What every address answers.
REFUSALS: dict[tuple[int, str], OpenApiResponse] = {
    (401, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "No access token, or one that is not valid."),
    (403, MEDIA_TYPE): OpenApiResponse(MissingScopesSerializer, "The access token lacks a scope; the body names it."),
    (429, MEDIA_TYPE): OpenApiResponse(
        QuotaExceededSerializer, "The quota of calls is used up; see the RateLimit and Retry-After headers."
    ),
}
INVALID: dict[tuple[int, str], OpenApiResponse] = {
    (400, MEDIA_TYPE): OpenApiResponse(InvalidRequestSerializer, "Something of it is wrong; the body names it."),
    (415, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, "The body is of another type than application/json."),
}
UNAVAILABLE: dict[tuple[int, str], OpenApiResponse] = {
    (503, MEDIA_TYPE): OpenApiResponse(
        ProblemSerializer, "Redis cannot be reached or takes no more now; see the Retry-After header."
    )
}
