"""What holds for every request of a person: the session's provider, fresh sign-ins, the second factor."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from tenants.models import User
from tenants.signin import binding, second_factor

# What is open on the account pages to whom a provider signed in: the way in and the way out.
_OPEN_WHEN_BOUND = frozenset(
    {
        "account_login",
        "account_logout",
        "openid_connect_login",
        "openid_connect_callback",
        "signin_account",
        "signin_second_factor",
        "socialaccount_login_cancelled",
    }
)
# Where somebody shows a second factor: when they sign in, and afresh.
_WAYS_TO_SHOW_ONE = frozenset({"mfa_authenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
_MISSING = "signin_second_factor"
_GetResponse = Callable[[HttpRequest], HttpResponseBase]


def is_account_page(request: HttpRequest) -> bool:
    """All that has to do with signing in lives below one address."""
    return request.path_info.startswith(reverse("signin_account"))


class ProviderMiddleware:
    """Ends a session whose provider may no longer vouch for it, and keeps it to the provider's tenant.

    It stands before whatever chooses the membership of the request.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        found = binding.binding_of(request.session)
        if found is not None and isinstance(request.user, User):
            if binding.holds(found, request.user):
                binding.hold(request.session, found)
                # Whoever runs the provider sees what this session sees, and is told of no other tenant.
                request.user.keep_to(found.tenant_id)
            else:
                logout(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        match = request.resolver_match
        closed = is_account_page(request) and (match is None or match.url_name not in _OPEN_WHEN_BOUND)
        if closed and isinstance(request.user, User) and binding.binding_of(request.session) is not None:
            return render(request, "signin/bound.html", status=403)
        return None


class ReauthenticationMiddleware:
    """Leads to a fresh sign-in where a page wants one. It stands inside allauth's, which would do so as well.

    That one keeps a POST with all its headers in the session, and thus in the database. People fill in the form again.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ReauthenticationRequired):
            return None
        methods = get_adapter().get_reauthentication_methods(request.user)
        page = methods[0]["url"] if methods else reverse("account_login")
        return redirect(f"{page}?{urlencode({REDIRECT_FIELD_NAME: request.path})}")


class SecondFactorMiddleware:
    """Shows the page that sets a second factor up, and nothing else, to whom one is demanded from and who showed none.

    It stands inside `TenantScopeMiddleware`, since what is demanded depends on the tenant that the person acts for.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or is_account_page(request) or _is_way_out(request):
            return self.get_response(request)
        if not second_factor.is_demanded(user) or second_factor.was_shown(request.session, user):
            return self.get_response(request)
        page = reverse(_MISSING)
        if "HX-Request" in request.headers:
            return HttpResponse(status=204, headers={"HX-Redirect": page})
        return redirect(page)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Who has a second factor and did not show it here adds and takes away none.

        The session may be older than the factor, and somebody else's who has stolen the password.
        """
        user, match = request.user, request.resolver_match
        name = (match.url_name if match else None) or ""
        if not isinstance(user, User) or not name.startswith("mfa_") or name in _WAYS_TO_SHOW_ONE:
            return None
        if second_factor.was_shown(request.session, user) or not second_factor.exists(user):
            return None
        return redirect(_MISSING)


def _is_way_out(request: HttpRequest) -> bool:
    return request.path_info == reverse("admin:logout")
