"""Where allauth asks us: who gets in, how secrets are kept, and who may come by which provider."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from tenants import origin
from tenants.models import User
from tenants.scope import platform_scope
from tenants.secrets import SealedWithAnotherKeyError
from tenants.signin import binding, sealed, second_factor, trail
from tenants.signin.models import IdentityProvider
from tenants.signin.outbound import ProviderSession

logger = logging.getLogger(__name__)

_NO_MATCH = "The name or the password is not right."


class NoSuchProvider(SocialApp.DoesNotExist, ValueError):
    """The row is gone. allauth expects the one where it looks a provider up, the other where it reads a session."""


class AccountAdapter(DefaultAccountAdapter):
    """People with a password."""

    # One text, whatever was typed: it must not tell whose name or address is known.
    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _NO_MATCH,
        "email_password_mismatch": _NO_MATCH,
        "too_many_login_attempts": "Too many failed attempts. Try again in some minutes.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come by invitation only (`tenants.signin.invitations`)."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Our pages send forms. allauth's answers in JSON would be a second door to look after."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """This host only; ALLOWED_HOSTS may list others, whose pages are not ours."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the audit trail has it. Behind a proxy that is not configured all share its address, and its limits."""
        return origin.current().ip or "unknown"

    def post_login(
        self, request: HttpRequest, user: Any, *, signal_kwargs: dict[str, Any] | None, **kwargs: Any
    ) -> HttpResponse:
        login: SocialLogin | None = (signal_kwargs or {}).get("sociallogin")
        if login is None:
            binding.unbind(request.session)
            trail.signed_in(user, user.tenant.pk if user.tenant else None)
        else:
            provider = binding.find_provider(login.account.provider)
            if provider is None or not binding.may_sign_in(provider, user):
                # It changed while a second factor was asked for. allauth has opened the session a moment ago.
                self.logout(request)
                return _refused(request)
            binding.bind(request.session, provider, login.account.pk)
            trail.signed_in(user, provider.tenant_id, provider=provider)
        return super().post_login(request, user, signal_kwargs=signal_kwargs, **kwargs)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """What is asked depends on what was typed, not on who has it; the row costs little beside the hash before."""
        email = credentials.get("email")
        addressed = filter_users_by_email(email, prefer_verified=True, for_login=True)[:1] if email else []
        named = get_user_by_username(credentials.get("username") or "")
        user = named or next(iter(addressed), None)
        if user is not None:
            trail.sign_in_failed(user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who typed the password a moment ago to sign in is not asked for it again."""
        now = timezone.now().timestamp()
        for record in get_authentication_records(self.request, self.request.user):
            if record["method"] == "password" and now - record["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
                return False
        return True


class MFAAdapter(DefaultMFAAdapter):
    """Second factors."""

    def encrypt(self, text: str) -> str:
        return sealed.seal_factor(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises SealedWithAnotherKeyError."""
        return sealed.unseal_factor(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Where one is demanded the last one stays: who wants another adds it first."""
        user = authenticator.user
        return not second_factor.is_demanded(user) or second_factor.exists(user, but=authenticator)

    def get_totp_issuer(self) -> str:
        return "Flexhub"


class ProviderAdapter(DefaultSocialAccountAdapter):
    """People who come by a provider of their tenant. It can open an account for nobody, and take over nobody's."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """Made from the provider's row, also of one that is off, which can still be taken away from an account.

        Raises NoSuchProvider.
        """
        row = _row(provider)
        if row is None:
            raise NoSuchProvider
        options = {"issuer": row.issuer, "oauth_pkce_enabled": True}
        return SocialApp(
            provider="openid_connect", provider_id=str(row.pk), name=row.name, client_id=row.client_id, settings=options
        )

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """None: a list for everybody to see would name our tenants."""
        return []

    def active_provider(self, provider_id: str) -> IdentityProvider | None:
        return binding.find_provider(provider_id)

    def unsealed_secret(self, app: SocialApp) -> str:
        """Only where it is sent. Raises OAuth2Error."""
        row = _row(app.provider_id)
        if row is None:
            raise OAuth2Error("client secret: the provider is gone")
        try:
            return sealed.client_secret_of(row)
        except SealedWithAnotherKeyError:
            raise OAuth2Error("client secret: it cannot be read, enter it again") from None

    def get_requests_session(self) -> ProviderSession:
        return ProviderSession()

    def authenticate_by_email(self, login: SocialLogin) -> None:
        """Never: a provider may say any address. Only its own name for a person, once connected, means that person."""
        return

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Judge who has come. Raises ImmediateHttpResponse with one and the same page for all that is refused."""
        # Sessions keep what is being signed in, and are rows: no token of the provider's gets there.
        sociallogin.token = None
        provider = binding.find_provider(sociallogin.account.provider)
        if provider is None:
            raise ImmediateHttpResponse(_refused(request))
        user = _who_comes(request, sociallogin)
        if user is None or not binding.may_sign_in(provider, user):
            trail.provider_failed(provider, "it vouched for somebody who has not connected it or is no member")
            raise ImmediateHttpResponse(_refused(request))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        # Texts of ours, or the kind of trouble on the way there: neither quotes the provider.
        reason = str(exception) if isinstance(exception, OAuth2Error) else type(exception or error).__name__
        logger.warning("signing in through provider %s failed: %s", provider.app.provider_id, reason)
        row = _row(provider.app.provider_id)
        if row is not None:
            trail.provider_failed(row, reason)


def _who_comes(request: HttpRequest, login: SocialLogin) -> User | None:
    """Whom the provider's name for a person means, or is to mean. None for nobody, and for ways that we do not have."""
    process = login.state.get("process")
    if process == AuthProcess.LOGIN:
        return login.user if login.is_existing else None
    # A session that a provider opened must not give it a second name.
    if process == AuthProcess.CONNECT and binding.binding_of(request.session) is None:
        return request.user if isinstance(request.user, User) else None
    return None


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", status=403)


def _row(provider_id: str) -> IdentityProvider | None:
    """Also of one that is off."""
    with platform_scope("find an identity provider"):
        return IdentityProvider.objects.filter(pk=provider_id).first()
