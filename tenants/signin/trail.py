"""Audit rows about signing in. allauth tells what happened; here it gets into the trails of those whom it concerns,
and changes to somebody's account into a mail to them.

A sign-in is the business of the tenant that the session acts for, and a provider that of its tenant, which alone it
opens. Password and second factor concern each tenant that a person belongs to, so each of them gets a row; from where
the person did it concerns none of them, and is in the platform's own trail.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.core.cache import cache
from django.db.models import Model
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.http import HttpRequest

from tenants import audit, origin
from tenants.models import User
from tenants.scope import identity_scope, platform_scope
from tenants.signin import notices, second_factor
from tenants.signin.models import IdentityProvider

# Of the failures of one account, or of one provider, in this time only the first gets a row. Guessing is slowed down
# elsewhere; here it must not fill the trail, which is kept for ever.
ONE_FAILURE_IN_S = 15 * 60


def signed_in(user: User, tenant_id: UUID | None, *, provider: IdentityProvider | None = None) -> None:
    _record("tenants.user.signed_in", user, tenant_id, user, after={"provider": str(provider)} if provider else None)


def sign_in_failed(user: User) -> None:
    """A name that nobody has leaves no row: what is typed there is a password now and then."""
    if cache.add(f"signin:failed:{user.pk}", True, ONE_FAILURE_IN_S):
        _record_everywhere("sign_in_failed", user, actor=None)


def provider_failed(provider: IdentityProvider, reason: str) -> None:
    if cache.add(f"signin:failed:{provider.pk}", True, ONE_FAILURE_IN_S):
        _record("signin.identityprovider.sign_in_failed", provider, provider.tenant_id, None, after={"reason": reason})


def factor_taken_away(authenticator: Authenticator, *, actor: User) -> None:
    """By an operator, from somebody who has lost it."""
    _record_everywhere("second_factor_removed", authenticator.user, actor=actor, before={"type": authenticator.type})
    notices.factor_removed(authenticator.user, authenticator.type, actor=actor)


@receiver(account.password_changed)
@receiver(account.password_set)
def _password_changed(user: User, **_: Any) -> None:
    _record_everywhere("password_changed", user, actor=user)
    notices.password_changed(user, actor=user)


@receiver(account.password_reset)
def _password_reset(user: User, **_: Any) -> None:
    _record_everywhere("password_reset", user, actor=user)
    notices.password_reset(user)


@receiver(mfa.authenticator_added)
def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type in second_factor.TYPES:
        second_factor.note_shown(request, user)
    _record_everywhere("second_factor_added", user, actor=user, after={"type": authenticator.type})
    notices.factor_added(user, authenticator.type)


@receiver(mfa.authenticator_removed)
def _factor_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _record_everywhere("second_factor_removed", user, actor=user, before={"type": authenticator.type})
    notices.factor_removed(user, authenticator.type, actor=user)


@receiver(mfa.authenticator_reset)
def _recovery_codes_renewed(user: User, **_: Any) -> None:
    _record_everywhere("recovery_codes_renewed", user, actor=user)
    notices.recovery_codes_renewed(user)


@receiver(mfa.authenticator_used)
def _factor_used(request: HttpRequest, user: User, **_: Any) -> None:
    second_factor.note_shown(request, user)


@receiver(mfa.authentication_failed)
def _factor_failed(user: User, **_: Any) -> None:
    sign_in_failed(user)


@receiver(social.social_account_added)
def _provider_connected(sociallogin: SocialLogin, **_: Any) -> None:
    provider = _provider_of(sociallogin.account)
    _record_at_provider("provider_connected", sociallogin.user, provider, after={"provider": str(provider)})
    notices.provider_connected(sociallogin.user)


@receiver(social.social_account_removed)
def _provider_disconnected(socialaccount: SocialAccount, **_: Any) -> None:
    provider = _provider_of(socialaccount)
    _record_at_provider("provider_disconnected", socialaccount.user, provider, before={"provider": str(provider)})


@receiver(pre_delete, sender=IdentityProvider)
def _forget_people_of(instance: IdentityProvider, **_: Any) -> None:
    """allauth's rows name their provider as text, so nothing else would take them away."""
    with identity_scope("forget whom a provider knew"):
        SocialAccount.objects.filter(provider=str(instance.pk)).delete()


def _provider_of(account: SocialAccount) -> IdentityProvider | None:
    with platform_scope("find the provider of an account"):
        return IdentityProvider.objects.filter(pk=account.provider).first()


def _record_at_provider(outcome: str, user: User, provider: IdentityProvider | None, **values: Any) -> None:
    """Not everywhere: its name would tell other tenants for whom else somebody works."""
    _record(f"tenants.user.{outcome}", user, provider.tenant_id if provider else None, user, **values)


def _record_everywhere(outcome: str, user: User, *, actor: User | None, **values: Any) -> None:
    """A row for each tenant of the person, without the address, and one with it that no tenant sees."""
    action = f"tenants.user.{outcome}"
    with origin.bound(replace(origin.current(), ip=None)):
        for membership in user.all_memberships:
            _record(action, user, membership.tenant_id, actor, **values)
    _record(action, user, None, actor, **values)


def _record(
    action: str,
    obj: Model,
    tenant_id: UUID | None,
    actor: User | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    names = {"object_type": obj._meta.label_lower, "object_id": str(obj.pk), "object_name": str(obj)}
    with platform_scope("write about signing in"):
        row = audit.entry(action, tenant_id=tenant_id, actor=actor, **names)
        row.before, row.after = before, after
        row.save(force_insert=True)
