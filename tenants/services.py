"""Changes to tenants, members and API clients: each one transaction with its audit row."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password

from tenants import audit, quotas
from tenants.audit import Actor
from tenants.models import APIClient, Membership, Tenant, User
from tenants.quota_table import Quantity
from tenants.scope import platform_scope, tenant_scope


def create_tenant(*, name: str, kind: Tenant.Kind, actor: Actor = None) -> Tenant:
    """Raises ValidationError for an empty or taken name or an unknown kind."""
    with platform_scope("create a tenant"):
        tenant = Tenant(name=name, kind=kind)
        tenant.full_clean()
        tenant.save()
        audit.record("tenants.tenant.created", tenant, actor=actor, after=audit.fields_of(tenant))
    return tenant


def create_member(*, tenant: Tenant, username: str, password: str | None, email: str = "", actor: Actor = None) -> User:
    """A user who signs in to the admin with the permissions of the tenant's kind (`tenants.roles`).

    Without a password the user cannot sign in with one. Raises ValidationError for a taken name, a weak password, or a
    tenant that has all the members it may have.
    """
    user = User(username=username, email=email, is_staff=True)
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    with tenant_scope(tenant.pk):
        user.full_clean()
        quotas.require_room(tenant.pk, Quantity.MEMBERS)
        user.save()
        Membership.objects.create(user=user, tenant=tenant)
        audit.record("tenants.user.created", user, actor=actor, after=audit.fields_of(user))
    return user


def create_api_client(*, tenant: Tenant, name: str, actor: Actor = None) -> APIClient:
    """A client without a token yet.

    Raises ValidationError for an empty name, one that the tenant uses already, or one client too many.
    """
    with tenant_scope(tenant.pk):
        client = APIClient(tenant=tenant, name=name)
        client.full_clean()
        quotas.require_room(tenant.pk, Quantity.API_CLIENTS)
        client.save()
        audit.record("tenants.apiclient.created", client, actor=actor, after=audit.fields_of(client))
    return client
