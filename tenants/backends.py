"""Sign-in by password, and permissions from what a person acts as."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, update_last_login
from django.db.models import Model
from django.http import HttpRequest

from tenants import roles
from tenants.models import User
from tenants.scope import identity_scope


class RoleBackend(ModelBackend):
    """Finds people in the identity scope, and takes their permissions from the role table.

    The table is asked on each check instead of being copied into groups, so that no release has to bring rows in step
    with it and a member never keeps what the table has dropped. Django's own permissions do not count: they would hold
    for whomever a person acts.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        with identity_scope("sign in with a password"):
            user: Any = super().authenticate(request, username, password, **kwargs)
        return user  # type: ignore[no-any-return]  # Ours is the only model of people.

    def get_user(self, user_id: int) -> User | None:
        with identity_scope("find who is signed in"):
            user: Any = super().get_user(user_id)
        return user  # type: ignore[no-any-return]  # As above.

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
