"""People come by invitation: made by a tenant's admin, sent by mail, accepted once.

InvitationNotValid   used, expired, revoked, replaced by a newer mail, or never made; people are told no more than that
AlreadyMember        this person belongs to the tenant already
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver
from django.utils import timezone

from tenants import audit, quotas, tokens
from tenants.models import Household, Membership, Tenant, User
from tenants.quota_table import Quantity
from tenants.scope import identity_scope, platform_scope, tenant_scope
from tenants.services import create_membership
from tenants.signin import mail
from tenants.signin.models import Invitation

VALID_FOR = timedelta(days=7)
TAKEN_MEANWHILE = "Somebody has taken this name or this address a moment ago."


class InvitationNotValid(Exception):
    """Nobody gets in by this link."""


class AlreadyMember(Exception):
    """This person belongs to the tenant already; what they may do is changed by its admins, not by a link."""


def invite(
    *, tenant: Tenant, email: str, role: str, household: Household | None = None, actor: User | None = None
) -> Invitation:
    """The mail is on its way once the transaction is through.

    Raises ValidationError, by field, and QuotaReachedError for one too many today.
    """
    invitation = Invitation(tenant=tenant, email=email, role=role, household=household, invited_by=actor)
    with tenant_scope(tenant.pk):
        invitation.full_clean()
        require_room(tenant.pk)
        invitation.save()
        audit.record("signin.invitation.created", invitation, actor=actor, after=audit.fields_of(invitation))
        send_after_commit(invitation)
    return invitation


def send_again(invitation: Invitation, *, actor: User) -> None:
    """A new mail with a new link; the old link ends with it.

    Raises InvitationNotValid for one that was accepted, and QuotaReachedError for one mail too many today.
    """
    if invitation.accepted_at is not None:
        raise InvitationNotValid
    with tenant_scope(invitation.tenant_id):
        require_room(invitation.tenant_id)
        audit.record("signin.invitation.sent_again", invitation, actor=actor)
        send_after_commit(invitation)


def revoke(invitation: Invitation, *, actor: User | None) -> None:
    """Its link ends at once."""
    with tenant_scope(invitation.tenant_id):
        audit.record("signin.invitation.revoked", invitation, actor=actor, before=audit.fields_of(invitation))
        invitation.delete()


def require_room(tenant_id: UUID) -> None:
    """Raises QuotaReachedError unless the tenant may send one more of these mails now: people who never asked get them.

    They are counted by their audit rows, which whoever calls this writes in the same transaction.
    """
    quotas.require_room(tenant_id, Quantity.INVITATIONS_PER_DAY)


def send_after_commit(invitation: Invitation) -> None:
    names = {"tenant_id": str(invitation.tenant_id), "invitation_id": str(invitation.pk)}
    transaction.on_commit(partial(mail.ask_for, "send_invitation", **names))


def send(*, tenant_id: UUID, invitation_id: UUID) -> None:
    """Make a link and mail it. Only here its token is known. Nothing is sent where it could not be accepted any more.

    A second run makes another link, so it may be repeated when the mail did not leave. Raises OSError for that.
    """
    token = tokens.new_token(tokens.INVITATION_PREFIX)
    with tenant_scope(tenant_id):
        invitations = Invitation.objects.filter(pk=invitation_id, accepted_at=None, tenant__deactivated_at=None)
        expires_at = timezone.now() + VALID_FOR
        if not invitations.update(token_hash=tokens.digest(token), expires_at=expires_at):
            return
        invitation = invitations.select_related("tenant", "household").get()
    mail.send_invitation(invitation, token)


def find(token: str) -> Invitation:
    """The open invitation with this link, with its tenant and household. Raises InvitationNotValid."""
    if not token.startswith(tokens.INVITATION_PREFIX):
        raise InvitationNotValid
    return find_by_hash(tokens.digest(token))


def find_by_hash(token_hash: str) -> Invitation:
    """As `find`, for a session that has shown the link before."""
    with platform_scope("find an invitation"):
        found = Invitation.objects.filter(**_open(token_hash)).select_related("tenant", "household").first()
    if found is None:
        raise InvitationNotValid
    return found


def accept(invitation: Invitation, user: User) -> Membership:
    """Make this person a member. Raises InvitationNotValid and AlreadyMember."""
    with tenant_scope(invitation.tenant_id):
        if Membership.objects.filter(user=user, tenant_id=invitation.tenant_id).exists():
            raise AlreadyMember
        claim(invitation)
        audit.record("signin.invitation.accepted", invitation, actor=user, after={"user": str(user)})
        return create_membership(
            user=user,
            tenant=invitation.tenant,
            role=Membership.Role(invitation.role),
            household=invitation.household,
            actor=user,
        )


def accept_as_new(invitation: Invitation, *, username: str, password: str) -> User:
    """Add a person, whose e-mail address the link has proved, and make them a member.

    Raises InvitationNotValid, and ValidationError for a taken name or address. The password has been judged before.
    """
    # allauth finds addresses in lower case only.
    user = User(username=username, email=invitation.email.lower(), is_staff=True)
    user.set_password(password)
    try:
        with identity_scope("add the person who accepts an invitation"):
            user.full_clean()
            user.save()
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            accept(invitation, user)
            with tenant_scope(invitation.tenant_id):
                audit.record("tenants.user.created", user, actor=user, after=audit.fields_of(user))
    except IntegrityError:
        # Both were free a moment ago. The same person may come by two links at once, in two windows.
        raise ValidationError(TAKEN_MEANWHILE) from None
    return user


def open_to(email: str) -> QuerySet[Invitation]:
    """Those that this address was not accepted with yet, of the tenants that the open scope shows."""
    return Invitation.objects.filter(email__iexact=email, accepted_at=None)


@receiver(pre_delete, sender=Membership)
@receiver(post_save, sender=Membership)
def _end_with_inviter(instance: Membership, signal: object, **_: object) -> None:
    """Who may no longer invite must not come back, as somebody else, by an invitation of their own."""
    if signal is post_save and instance.role == Membership.Role.ADMIN:
        return
    theirs = Invitation.objects.filter(invited_by=instance.user_id, tenant_id=instance.tenant_id, accepted_at=None)
    for invitation in theirs:
        revoke(invitation, actor=None)


def has_account(email: str) -> bool:
    """Whether somebody has shown that this address is theirs; a second account could not use it."""
    with identity_scope("see whether the invited person has an account"):
        return EmailAddress.objects.filter(email=email.lower(), verified=True).exists()


def claim(invitation: Invitation) -> None:
    """Use the link up. Of two who come at once one is let through. Raises InvitationNotValid."""
    now = timezone.now()
    with tenant_scope(invitation.tenant_id):
        if not Invitation.objects.filter(pk=invitation.pk, **_open(invitation.token_hash)).update(accepted_at=now):
            raise InvitationNotValid
    invitation.accepted_at = now


def _open(token_hash: str | None) -> dict[str, Any]:
    # Real time and not the hub's: a simulated week is soon over.
    in_time = {"accepted_at": None, "expires_at__gt": timezone.now()}
    return {"token_hash": token_hash or "", **in_time, "tenant__deactivated_at": None}
