"""Changes to tenants, members and API clients: each one transaction with its audit row."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password

from tenants import audit, quotas
from tenants.audit import Actor
from tenants.models import APIClient, Household, Membership, Tenant, User
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


def create_household(*, tenant: Tenant, name: str, actor: Actor = None) -> Household:
    """A customer of the provider `tenant`. Raises ValidationError for an empty name or one that it has already."""
    with tenant_scope(tenant.pk):
        household = Household(tenant=tenant, name=name)
        household.full_clean()
        household.save()
        audit.record("tenants.household.created", household, actor=actor, after=audit.fields_of(household))
    return household


def create_member(
    *,
    tenant: Tenant,
    username: str,
    password: str | None,
    email: str = "",
    role: Membership.Role = Membership.Role.MEMBER,
    household: Household | None = None,
    actor: Actor = None,
) -> User:
    """A user who signs in to the admin with the permissions of this role in the tenant (`tenants.roles`).

    Without a password the user cannot sign in with one. Raises ValidationError for a taken name, a weak password, a
    role that does not go with the tenant or the household, or a tenant that has all the members it may have.
    """
    user = User(username=username, email=email, is_staff=True)
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    # A person belongs to no tenant, and the trail of this one is the tenant's.
    with platform_scope("add a person to a tenant"):
        user.full_clean()
        user.save()
        create_membership(user=user, tenant=tenant, role=role, household=household, actor=actor)
        audit.record("tenants.user.created", user, actor=actor, after=audit.fields_of(user))
    return user


def create_membership(
    *,
    user: User,
    tenant: Tenant,
    role: Membership.Role = Membership.Role.MEMBER,
    household: Household | None = None,
    actor: Actor = None,
) -> Membership:
    """Let a person act for one more tenant.

    Raises ValidationError where they do so already, for a role that does not go with the tenant or the household, and
    for one member too many.
    """
    with platform_scope("add a membership"):
        membership = Membership(user=user, tenant=tenant, role=role, household=household)
        # First, since whoever adds the same person at this moment waits here, and then finds the membership.
        quotas.require_room(tenant.pk, Quantity.MEMBERS)
        membership.full_clean()
        membership.save()
        audit.record("tenants.membership.created", membership, actor=actor, after=audit.fields_of(membership))
    user.forget_memberships()
    return membership


def end_membership(membership: Membership, *, actor: Actor = None) -> None:
    """The person stays, with what else they belong to."""
    with tenant_scope(membership.tenant_id):
        audit.record("tenants.membership.deleted", membership, actor=actor, before=audit.fields_of(membership))
        membership.delete()


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
