"""Pages of our own beside allauth's: the account, the missing second factor, and invitations."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.socialaccount.models import SocialAccount
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.middleware import ACTING_FOR
from tenants.model_admin import actor_of
from tenants.models import User
from tenants.scope import platform_scope
from tenants.signin import binding, invitations, second_factor
from tenants.signin.forms import AcceptInvitationForm
from tenants.signin.invitations import AlreadyMember, InvitationNotValid
from tenants.signin.models import IdentityProvider, Invitation

# Where a session remembers which invitation its browser has shown the link of: the hash, as the row has it.
_SHOWN = "signin_invitation"


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who is signed in, for whom, and what can be changed about it."""
    user = actor_of(request)
    bound = binding.binding_of(request.session)
    context = {
        "memberships": user.all_memberships,
        "bound": bound is not None,
        "has_second_factor": second_factor.exists(user),
        "connections": _connections(user) if bound is None else [],
    }
    return render(request, "signin/account.html", context)


@never_cache
@login_required
def set_up_second_factor(request: HttpRequest) -> HttpResponse:
    """Where those end up who may not go on before they have shown a second factor."""
    user = actor_of(request)
    exists = second_factor.exists(user)
    if second_factor.was_shown(request.session, user) or not (exists or second_factor.is_demanded(user)):
        return redirect("admin:index")
    context = {"bound": binding.binding_of(request.session) is not None, "exists": exists}
    return render(request, "signin/second_factor.html", context)


@never_cache
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Takes the token out of the address, so that it is neither in the history nor told to another page."""
    try:
        request.session[_SHOWN] = invitations.find(token).token_hash
    except InvitationNotValid:
        return _not_valid(request)
    return redirect("signin_accept_invitation")


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest) -> HttpResponse:
    try:
        invitation = invitations.find_by_hash(request.session.get(_SHOWN, ""))
        if isinstance(request.user, User):
            return _accept_as(request, request.user, invitation)
        return _accept_as_new(request, invitation)
    except InvitationNotValid:
        return _not_valid(request)


def _accept_as(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    if request.method != "POST":
        return render(request, "signin/invitation.html", {"invitation": invitation})
    try:
        invitations.accept(invitation, user)
    except AlreadyMember:
        return render(request, "signin/invitation.html", {"invitation": invitation, "is_member": True})
    except ValidationError as error:
        return render(request, "signin/invitation.html", {"invitation": invitation, "errors": error.messages})
    # From now on they act for whom they have just joined.
    request.session[ACTING_FOR] = str(invitation.tenant_id)
    del request.session[_SHOWN]
    messages.success(request, f"You belong to {invitation.tenant} now.")
    return redirect("admin:index")


def _accept_as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    has_account = invitations.has_account(invitation.email)
    form = AcceptInvitationForm(request.POST or None)
    if has_account or not form.is_valid():
        context = {"invitation": invitation, "form": form, "has_account": has_account}
        return render(request, "signin/invitation.html", context)
    try:
        user = invitations.accept_as_new(
            invitation, username=form.cleaned_data["username"], password=form.cleaned_data["password1"]
        )
    except ValidationError as error:
        # Somebody took the name a moment ago, or came by another link to this address.
        form.add_error(None, error)
        context = {"invitation": invitation, "form": form, "has_account": invitations.has_account(invitation.email)}
        return render(request, "signin/invitation.html", context)
    del request.session[_SHOWN]
    record_authentication(request, user, method="password", username=user.get_username())
    return perform_login(request, user)


def _not_valid(request: HttpRequest) -> HttpResponse:
    """One answer for a link that was used, is too old, or never was one."""
    return render(request, "signin/invitation_not_valid.html", status=HTTPStatus.NOT_FOUND)


def _connections(user: User) -> list[tuple[IdentityProvider, SocialAccount | None]]:
    """The providers of this person's tenants, each with what connects them to it."""
    accounts = {account.provider: account for account in SocialAccount.objects.filter(user=user)}
    tenants = [membership.tenant_id for membership in user.all_memberships]
    with platform_scope("list the providers of a person's tenants"):
        rows = list(IdentityProvider.objects.filter(tenant__in=tenants).select_related("tenant"))
    return [(row, accounts.get(str(row.pk))) for row in rows if row.is_active or str(row.pk) in accounts]
