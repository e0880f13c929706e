"""Who has to show a second factor, and whether this session did.

Only a session that showed one counts. A password that was stolen opens a session, which must not become a full one at
the moment at which the person it was stolen from sets up a second factor somewhere else.
"""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from tenants.models import User
from tenants.scope import identity_scope
from tenants.signin.models import SignInPolicy

_KEY = "signin_second_factor"
# Recovery codes stand in for one of these; alone they are no second factor.
TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def is_demanded(user: User) -> bool:
    """Of those who see all tenants always, of others if the tenant they act for says so."""
    if user.sees_all_tenants:
        return bool(settings.OPERATORS_SECOND_FACTOR)
    policy: SignInPolicy | None = getattr(user.tenant, "sign_in_policy", None)
    return policy is not None and policy.second_factor


def was_shown(session: SessionBase, user: User) -> bool:
    """A factor that was taken away since no longer counts."""
    return session.get(_KEY) == user.pk and exists(user)


def note_shown(request: HttpRequest, user: User) -> None:
    request.session[_KEY] = user.pk


def exists(user: User, *, but: Authenticator | None = None) -> bool:
    """Whether this person has a second factor, beside the one that is left out."""
    with identity_scope("look for a second factor"):
        return Authenticator.objects.filter(user=user, type__in=TYPES).exclude(pk=but.pk if but else None).exists()
