"""Admin pages of invitations, identity providers, sign-in policies and second factors."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminPasswordWidget

from tenants.model_admin import ReadOnlyAdmin, TenantForm, TenantModelAdmin, actor_of
from tenants.quotas import QuotaReachedError
from tenants.scope import current_tenant_id
from tenants.signin import invitations, trail
from tenants.signin.invitations import InvitationNotValid
from tenants.signin.models import INVITED_ALREADY, IdentityProvider, Invitation, SignInPolicy
from tenants.signin.sealed import seal_client_secret

# allauth's own pages would show how people sign in, and let it be changed past every check.
for model in (EmailAddress, SocialAccount, SocialApp, SocialToken, Authenticator):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(SignInPolicy)
class SignInPolicyAdmin(TenantModelAdmin):
    chooses_tenant = True
    list_display = ("__str__", "second_factor")
    fields = ("second_factor",)


class InvitationForm(TenantForm):
    def clean(self) -> dict[str, Any]:
        """Django judges no constraint that is about more than the form asks for."""
        values: dict[str, Any] = super().clean() or {}
        tenant = values.get("tenant")
        owner = tenant.pk if tenant else self.tenant_id_of_new()
        if owner and "email" in values and invitations.open_to(values["email"]).filter(tenant_id=owner).exists():
            self.add_error("email", INVITED_ALREADY)
        return values


@admin.register(Invitation)
class InvitationAdmin(TenantModelAdmin):
    form = InvitationForm
    chooses_tenant = True
    list_display = ("email", "role", "household", "state", "invited_by", "expires_at")
    list_filter = ("role",)
    list_select_related = ("household", "invited_by")
    search_fields = ("email",)
    fields = ("email", "role", "household")
    actions = ("send_again", "revoke")

    @admin.display(description="state")
    def state(self, invitation: Invitation) -> str:
        return invitation.state

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whom a link lets in, and as what, is said once; another invitation says something else."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Open ones are revoked, and accepted ones tell how somebody came."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.invited_by = actor_of(request)
        if obj.tenant_id is None:
            obj.tenant_id = current_tenant_id()
        invitations.require_room(obj.tenant_id)
        super().save_model(request, obj, form, change)
        invitations.send_after_commit(obj)

    @admin.action(description="Send again, with a new link", permissions=["add"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        for invitation in queryset:
            try:
                invitations.send_again(invitation, actor=actor_of(request))
            except InvitationNotValid:
                self.message_user(request, f"{invitation} was accepted already.", messages.WARNING)
            except QuotaReachedError as error:
                self.message_user(request, f"{invitation} and the rest were not sent. {error.message}", messages.ERROR)
                break

    @admin.action(description="Revoke", permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        for invitation in queryset.filter(accepted_at=None):
            invitations.revoke(invitation, actor=actor_of(request))


class IdentityProviderForm(TenantForm):
    client_secret = forms.CharField(
        required=False,
        strip=False,
        max_length=1000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted and never shown. Empty leaves it as it is.",
    )

    def clean_client_secret(self) -> str:
        secret: str = self.cleaned_data["client_secret"]
        if not secret and self.instance._state.adding:  # noqa: SLF001 - Documented by Django.
            raise forms.ValidationError("A new provider needs its client secret.")
        return secret

    def clean_issuer(self) -> str:
        issuer: str = self.cleaned_data["issuer"]
        if not issuer.startswith("https://") and not settings.SIGN_IN_PROVIDERS_LOCAL:
            raise forms.ValidationError("An issuer begins with https://.")
        return issuer


@admin.register(IdentityProvider)
class IdentityProviderAdmin(TenantModelAdmin):
    form = IdentityProviderForm
    chooses_tenant = True
    list_display = ("name", "issuer", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "issuer")
    fields = ("name", "issuer", "client_id", "client_secret", "is_active", "sign_in_address", "callback_address")
    readonly_fields = ("sign_in_address", "callback_address")

    @admin.display(description="address to sign in at, for your people")
    def sign_in_address(self, provider: IdentityProvider) -> str:
        return _address("openid_connect_login", provider)

    @admin.display(description="redirect address, for the provider")
    def callback_address(self, provider: IdentityProvider) -> str:
        return _address("openid_connect_callback", provider)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Another issuer or client is another provider: its names for people mean other people."""
        fixed = ("issuer", "client_id") if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if obj.tenant_id is None:
            obj.tenant_id = current_tenant_id()
        secret = form.cleaned_data.get("client_secret")
        if secret:
            seal_client_secret(obj, secret)
        super().save_model(request, obj, form, change)
        if secret and change:
            self._record(request, "secret_changed", obj)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Operators take a lost second factor away. Its owner then signs in with the password and sets up another."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__username", "user__email")
    fields = ("user", "type", "created_at", "last_used_at")
    actions = ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return actor_of(request).sees_all_tenants

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        trail.factor_taken_away(obj, actor=actor_of(request))
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for authenticator in queryset.select_related("user"):
            self.delete_model(request, authenticator)


def _address(view: str, provider: IdentityProvider) -> str:
    if provider._state.adding:  # noqa: SLF001 - Documented by Django.
        return "shown once the provider is saved"
    return settings.PUBLIC_URL + reverse(view, kwargs={"provider_id": provider.pk})
