"""Sign-in by password, and permissions from the kind of the user's tenant."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from tenants import roles
from tenants.models import User


class RoleBackend(ModelBackend):
    """Adds the role table to Django's own permissions.

    The table is asked on each check instead of being copied into groups, so that no release has to bring rows in step
    with it and a member never keeps what the table has dropped.
    """

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        if super().has_perm(user_obj, perm, obj):
            return True
        kind = _kind_of(user_obj)
        return kind is not None and roles.allows(kind, perm)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        if super().has_module_perms(user_obj, app_label):
            return True
        kind = _kind_of(user_obj)
        return kind is not None and roles.allows_app(kind, app_label)


def _kind_of(user: User | AnonymousUser) -> str | None:
    if not isinstance(user, User) or not user.is_active or user.tenant is None:
        return None
    return user.tenant.kind
