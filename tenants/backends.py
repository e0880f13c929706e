"""Sign-in by name or e-mail address with a password, and permissions from what a person acts as."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import AnonymousUser, update_last_login
from django.db.models import Model
from django.http import HttpRequest

from tenants import roles
from tenants.models import User
from tenants.scope import identity_scope


class RoleBackend(AuthenticationBackend):
    """Finds people in the identity scope, and takes their permissions from the role table.

    The table is asked on each check instead of being copied into groups, so that no release has to bring rows in step
    with it and a member never keeps what the table has dropped. Django's own permissions do not count: they would hold
    for whomever a person acts.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        with identity_scope("sign in with a password"):
            user: User | None = super().authenticate(request, **credentials)
        return user

    def get_user(self, user_id: int) -> User | None:
        with identity_scope("find who is signed in"):
            user: User | None = super().get_user(user_id)
        return user

    def has_perm(
        self,
        user_obj: User | AnonymousUser,
        perm: str,
        obj: Model | None = None,  # noqa: ARG002 - Which rows there are is for row-level security to say.
    ) -> bool:
        return roles.allows(_role_of(user_obj), perm)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        return roles.allows_app(_role_of(user_obj), app_label)


def _role_of(user: User | AnonymousUser) -> roles.Role:
    if not isinstance(user, User) or not user.is_active or user.membership is None:
        return roles.Role()
    return roles.role_of(user.membership)


def note_sign_in(sender: type[User], user: User, **kwargs: Any) -> None:
    """In place of Django's own receiver of the signal, which opens no scope."""
    with identity_scope("note when somebody signed in"):
        update_last_login(sender, user, **kwargs)
