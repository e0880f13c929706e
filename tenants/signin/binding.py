"""A session that a tenant's identity provider opened acts for that tenant alone, and for as long as the provider may.

Whoever runs a provider can sign in as anyone that it knows. So it must not get further than to its own tenant: not to
another membership of that person, not to what superusers may, and not to the account itself, where a new password or
another second factor would outlive all this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase

from tenants.middleware import ACTING_FOR
from tenants.models import Membership, User
from tenants.scope import identity_scope, platform_scope
from tenants.signin.models import IdentityProvider

_KEY = "signin_provider"


@dataclass(frozen=True, slots=True)
class Binding:
    provider_id: str
    tenant_id: str
    account_id: int


def bind(session: SessionBase, provider: IdentityProvider, account_id: int) -> None:
    binding = Binding(str(provider.pk), str(provider.tenant_id), account_id)
    session[_KEY] = asdict(binding)
    hold(session, binding)


def unbind(session: SessionBase) -> None:
    """For a sign-in without a provider, in a session that may have been used before."""
    session.pop(_KEY, None)


def binding_of(session: SessionBase) -> Binding | None:
    """None for a session that was opened with a password."""
    values: dict[str, Any] | None = session.get(_KEY)
    return None if values is None else Binding(**values)


def hold(session: SessionBase, binding: Binding) -> None:
    """Act for the provider's tenant, whatever somebody has switched to."""
    if session.get(ACTING_FOR) != binding.tenant_id:
        session[ACTING_FOR] = binding.tenant_id


def holds(binding: Binding, user: User) -> bool:
    """Whether the session may go on: the provider is on, knows this person, and they are a member of its tenant."""
    provider = find_provider(binding.provider_id)
    if provider is None or str(provider.tenant_id) != binding.tenant_id or not may_sign_in(provider, user):
        return False
    from allauth.socialaccount.models import SocialAccount  # Its models ask for this package while they load.

    with identity_scope("see whether a provider still knows a person"):
        accounts = SocialAccount.objects.filter(pk=binding.account_id, user=user, provider=binding.provider_id)
        return accounts.exists()


def find_provider(provider_id: str) -> IdentityProvider | None:
    """The provider with this id, while it and its tenant are on."""
    try:
        key = UUID(provider_id)
    except ValueError:
        return None
    with platform_scope("find an identity provider"):
        return IdentityProvider.objects.filter(pk=key, is_active=True, tenant__deactivated_at=None).first()


def may_sign_in(provider: IdentityProvider, user: User) -> bool:
    """A provider signs in members of its own tenant, and nobody who is more than a member."""
    if not user.is_active or user.is_superuser:
        return False
    with platform_scope("see whether a person is a member of the provider's tenant"):
        members = Membership.objects.filter(user=user, tenant_id=provider.tenant_id, tenant__deactivated_at=None)
        return members.exists()
