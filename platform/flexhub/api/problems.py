"""How the API says no: problem details, RFC 9457. Every error of every address below /api/ has this form."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.defaults import page_not_found, server_error
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler

MEDIA_TYPE = "application/problem+json"
# No type of our own: the status says what kind of problem it is (RFC 9457, 4.2.1).
_NO_TYPE = "about:blank"


class ProblemSerializer(serializers.Serializer[Any]):
    """The reference of the form; nothing is written through it."""

    type = serializers.CharField(help_text="`about:blank`, or the address that names the kind of problem.")
    title = serializers.CharField(help_text="The kind of problem, in English.")
    status = serializers.IntegerField(help_text="The status code once more.")
    detail = serializers.CharField(help_text="What is wrong with this request, in English.")


class MissingScopesSerializer(ProblemSerializer):
    missing_scopes = serializers.ListField(
        child=serializers.CharField(), help_text="What the access token would have to be issued for."
    )


class QuotaExceededSerializer(ProblemSerializer):
    """The member is named as in draft-ietf-httpapi-ratelimit-headers-11."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        policies = serializers.ListField(
            child=serializers.CharField(), help_text="Which quota is used up: `client`, `tenant` or both, or `what-if`."
        )
        return super().get_fields() | {"violated-policies": policies}


class WrongFieldSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with a request."""

    field = serializers.CharField(help_text="Which field, such as `readings[3].at`; empty: the request as a whole.")
    detail = serializers.CharField(help_text="What is wrong with it, in English.")


class InvalidRequestSerializer(ProblemSerializer):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # Not declared in the class: what a serializer has found wrong goes by that name.
        return super().get_fields() | {"errors": WrongFieldSerializer(many=True, help_text="Field by field.")}


def problem(status: int, detail: str, *, kind: str = _NO_TYPE, **more: Any) -> dict[str, Any]:
    """`more` are members of this kind of problem only."""
    return {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more


def answer_problem(exception: Exception, context: dict[str, Any]) -> Response | None:
    """The REST framework's EXCEPTION_HANDLER. None for what is no answer to the client but a fault of ours."""
    response = exception_handler(exception, context)
    if response is None:
        return None
    kind, detail = getattr(exception, "kind", _NO_TYPE), _text(response.data)
    more = getattr(exception, "more", {})
    if isinstance(exception, ParseError):
        # The framework's own; it has the form of all others that find something wrong with a body.
        more = {"errors": [{"field": "", "detail": detail}]}
    response.data = problem(response.status_code, detail, kind=kind, **more)
    response.content_type = MEDIA_TYPE
    return response


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`: an address of the API that there is not is a problem too."""
    if not _is_of_api(request):
        return page_not_found(request, exception)
    return _answer(404, "There is no such address.")


def answer_failure(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: so is a fault of ours, of which a program learns no more than a person."""
    if not _is_of_api(request):
        return server_error(request)
    return _answer(500, "Something failed in the hub. The failure is in its log.")


def _is_of_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _answer(status: int, detail: str) -> HttpResponse:
    return HttpResponse(json.dumps(problem(status, detail)), content_type=MEDIA_TYPE, status=status)


def _text(data: Any) -> str:
    """The framework's own sentence, or what is wrong field by field."""
    if isinstance(data, dict) and set(data) == {"detail"}:
        return str(data["detail"])
    return json.dumps(data, default=str)
