"""Mails that tell people of a change to how they, or their programs, get in.

They are for whoever did not make the change. So they hold no link: a mail that looks like one of these and has one is
from somebody else. Nor do they name the tenants of a person, since one of them may be who runs the mailbox.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from tenants.api_clients import secret_issued
from tenants.audit import Actor
from tenants.models import APIClient, Membership, User
from tenants.scope import platform_scope
from tenants.signin import mail

# One mail each. A tenant with more admins does not learn more from more of them.
_MOST_ADMINS_TOLD = 50

_FACTORS = {"totp": "An authenticator app", "webauthn": "A security key", "recovery_codes": "A set of recovery codes"}


def password_changed(user: User, *, actor: Actor) -> None:
    _tell(user, "Your password was changed", actor)


def password_reset(user: User) -> None:
    _tell(user, "A new password was set for your account, with a link that was sent to you by mail", user)


def factor_added(user: User, kind: str) -> None:
    _tell(user, f"{_FACTORS.get(kind, 'A second factor')} was added to your account", user)


def factor_removed(user: User, kind: str, *, actor: Actor) -> None:
    _tell(user, f"{_FACTORS.get(kind, 'A second factor')} was removed from your account", actor)


def recovery_codes_renewed(user: User) -> None:
    _tell(user, "New recovery codes were made for your account, and the former ones have ended", user)


def provider_connected(user: User) -> None:
    _tell(user, "An identity provider was connected to your account: whoever signs in there can act as you", user)


def address_changed(user: User, former: str, *, actor: Actor) -> None:
    """To the former address as well: who has taken an account over reads the new one."""
    for email in {former, user.email}:
        _tell(user, "The e-mail address of your account was changed", actor, email=email)


@receiver(secret_issued)
def _secret_issued(sender: APIClient, actor: Actor, **_: Any) -> None:
    what = f"A new secret was made for the API client {sender} of {sender.tenant}"
    with platform_scope("find whom to tell of a new secret"):
        admins = Membership.objects.filter(tenant_id=sender.tenant_id, role=Membership.Role.ADMIN)
        people = [admin.user for admin in admins.select_related("user")[:_MOST_ADMINS_TOLD]]
    for user in people:
        _tell(user, what, actor, advice="program")


def _tell(user: User, what: str, actor: Actor, *, email: str | None = None, advice: str = "account") -> None:
    """Have a worker send the mail once the change is through. That it cannot be asked for undoes no change."""
    to = user.email if email is None else email
    if not to or not user.is_active:
        return
    names = {
        "email": to,
        "username": user.get_username(),
        "what": f"{what}{_by(actor, user)}.",
        "at": timezone.now().isoformat(),
        "advice": advice,
    }
    transaction.on_commit(lambda: mail.ask_for("send_notice", **names), robust=True)


def _by(actor: Actor, told: User) -> str:
    """People may know each other's names within a tenant only, and an operator is a role to everyone else."""
    if actor is None or actor == told:
        return ""
    return " by an operator" if isinstance(actor, User) and actor.sees_all_tenants else f" by {actor}"
