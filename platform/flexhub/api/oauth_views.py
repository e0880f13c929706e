"""The addresses of the OAuth2 server. They answer in OAuth2's own form (RFC 6749, 5.2), not with problem details."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from flexhub.api import rate_limits
from flexhub.api.oauth_server import credentials_of, server
from tenants import api_scopes

# What one of oauthlib's endpoints makes of a request: header fields, body and status.
_Answer = tuple[dict[str, str], str, int]
_FORM = "application/x-www-form-urlencoded"
_METHODS = ["client_secret_basic", "client_secret_post"]
# The challenge of the way in which clients authenticate here; oauthlib's own speaks of bearer tokens.
_CHALLENGE = 'Basic realm="flexhub", charset="UTF-8"'


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """An access token for a client's id and secret (RFC 6749, 4.4)."""
    return _answer(request, lambda asked: server().create_token_response(*asked))


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End an access token (RFC 7009)."""
    return _answer(request, lambda asked: server().create_revocation_response(*asked))


@csrf_exempt
@require_POST
def introspect(request: HttpRequest) -> HttpResponse:
    """Whether an access token of the client's own is valid, and for what (RFC 7662)."""
    return _answer(request, lambda asked: server().create_introspect_response(*asked))


@require_GET
def metadata(_request: HttpRequest) -> HttpResponse:
    """Where everything is (RFC 8414)."""
    address = settings.PUBLIC_URL
    return JsonResponse(
        {
            "issuer": address,
            "token_endpoint": address + reverse("oauth-token"),
            "token_endpoint_auth_methods_supported": _METHODS,
            "revocation_endpoint": address + reverse("oauth-revoke"),
            "revocation_endpoint_auth_methods_supported": _METHODS,
            "introspection_endpoint": address + reverse("oauth-introspect"),
            "introspection_endpoint_auth_methods_supported": _METHODS,
            "grant_types_supported": ["client_credentials"],
            # Required by the RFC; no flow of ours has any.
            "response_types_supported": [],
            "scopes_supported": sorted(api_scopes.DESCRIPTIONS),
            "service_documentation": address + reverse("api-docs"),
        }
    )


def _answer(request: HttpRequest, ask: Callable[[tuple[Any, ...]], _Answer]) -> HttpResponse:
    readings = rate_limits.take_token_request(_named_client(request))
    if rate_limits.exceeded(readings):
        fields, body, status = _refusal("temporarily_unavailable", "Too many requests; see Retry-After.", 429)
    elif request.content_type != _FORM or request.META.get("QUERY_STRING"):
        fields, body, status = _refusal("invalid_request", f"Send {_FORM}, without a query in the address.", 400)
    else:
        fields, body, status = _asked(request, ask)
    if status == 401:
        fields["WWW-Authenticate"] = _CHALLENGE
    return HttpResponse(body, status=status, headers=_NEVER_STORED | fields | rate_limits.headers(readings))


_NEVER_STORED = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


def _asked(request: HttpRequest, ask: Callable[[tuple[Any, ...]], _Answer]) -> _Answer:
    # As text, which is how oauthlib sees what was sent twice; encoded anew, since it stumbles over what is not encoded
    # well. It reads this one header only.
    sent = {"Authorization": request.headers["Authorization"]} if "Authorization" in request.headers else {}
    try:
        fields, text, status = ask((request.path, "POST", request.POST.urlencode(), sent))
    except OAuth2Error as error:
        return _refusal(str(error.error), error.description or "", error.status_code)
    return dict(fields), text, status


def _refusal(error: str, description: str, status: int) -> _Answer:
    return {}, json.dumps({"error": error, "error_description": description}), status


def _named_client(request: HttpRequest) -> UUID | None:
    """Whom the request speaks for, true or not; None where it names nobody."""
    post = request.POST
    shown = credentials_of(request.headers.get("Authorization"), post.get("client_id"), post.get("client_secret"))
    try:
        return UUID(shown[0]) if shown else None
    except ValueError:
        return None
