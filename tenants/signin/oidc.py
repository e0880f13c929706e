"""OpenID Connect with the provider of a tenant: allauth's flow, stricter where a tenant names whom we talk to.

    person → login (POST) → provider → callback → code for token → id token judged → `adapters.ProviderAdapter`

allauth's state and PKCE tie a callback to the session, and to the provider, that began it; the nonce, which allauth
leaves out, ties the id token to them too. All that we believe is in the signed id token; nothing else is fetched, and
no token is kept. A provider may be slow, so no transaction is open while it is asked (OUTBOUND_PATHS).
"""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import cached_property
from pydantic import ValidationError
from requests import RequestException

from tenants.scope import identity_scope
from tenants.signin.id_token import Discovery, IdTokenRefused, nonce_for, read_id_token

_DOCUMENT = "/.well-known/openid-configuration"


class TenantOIDC(OpenIDConnectOAuth2Adapter):
    """What is asked of the provider. Raises OAuth2Error, whose text names a reason and no secret, or RequestException.

    allauth's callback makes a page of both.
    """

    _nonce = ""

    @cached_property
    def scope(self) -> ExitStack:
        """Ends what is opened once the provider has said all. The view stands inside it."""
        return ExitStack()

    @cached_property
    def discovery(self) -> Discovery:
        issuer: str = self.get_provider().app.settings["issuer"]
        try:
            found = Discovery.model_validate(self._document(issuer.removesuffix("/") + _DOCUMENT))
        except ValidationError:
            raise OAuth2Error("discovery: a field is missing or has the wrong form") from None
        if found.issuer != issuer:
            raise OAuth2Error("discovery: the document is another issuer's")
        if not found.is_secure and not settings.SIGN_IN_PROVIDERS_LOCAL:
            raise OAuth2Error("discovery: an address is not https")
        return found

    @property
    def openid_config(self) -> dict[str, Any]:
        return self.discovery.model_dump()

    def get_client(self, request: HttpRequest, app: SocialApp) -> OAuth2Client:
        app.secret = get_adapter().unsealed_secret(app)
        return super().get_client(request, app)

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: OAuth2Client, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        self._nonce = nonce_for(pkce_code_verifier or "")
        try:
            data = super().get_access_token_data(request, app, client, pkce_code_verifier=pkce_code_verifier)
        except (OAuth2Error, KeyError, ValueError, RecursionError):
            # allauth quotes the whole answer.
            raise OAuth2Error("token: the provider gave none") from None
        if not isinstance(data, dict) or not isinstance(data.get("id_token"), str):
            raise OAuth2Error("token: there is no id token")
        return data

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """Access and refresh tokens are of no use to us, so they are forgotten here."""
        return SocialToken(token="")

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        try:
            claims = read_id_token(
                kwargs["response"]["id_token"],
                keys=self._document(self.discovery.jwks_uri),
                issuer=self.discovery.issuer,
                client_id=app.client_id,
                nonce=self._nonce,
            )
        except IdTokenRefused as error:
            raise OAuth2Error(f"id token: {error}") from None
        self.scope.enter_context(identity_scope("sign in through a provider"))
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims.model_dump()})

    def _document(self, url: str) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            answer = session.get(url)
        if answer.status_code != HTTPStatus.OK:
            raise OAuth2Error(f"document: the provider answered {answer.status_code}")
        try:
            document = answer.json()
        except RecursionError:
            document = None
        if not isinstance(document, dict):
            raise OAuth2Error("document: it is no JSON object")
        return document


class TenantProvider(OpenIDConnectProvider):
    """One row of `IdentityProvider`, as allauth sees it."""

    oauth2_adapter_class = TenantOIDC

    def get_pkce_params(self) -> dict[str, str]:
        params: dict[str, str] = super().get_pkce_params()
        return params | {"nonce": nonce_for(params["code_verifier"])}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Without what allauth takes from the address: who made the link must not choose what is asked for."""
        kwargs: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        return kwargs | {"scope": self.get_scope(), "auth_params": self.get_auth_params()}

    def serialize(self) -> dict[str, Any]:
        """By our id: client ids are only unique within one issuer."""
        return {"id": self.app.provider_id}


def login(request: HttpRequest, provider_id: object) -> HttpResponse:
    """A page with a button, and on POST the way to the provider."""
    oidc = _usable(request, provider_id)
    try:
        answer = OAuth2LoginView.adapter_view(oidc)(request)
    except (OAuth2Error, RequestException) as error:
        return render_authentication_error(request, oidc.get_provider(), exception=error)
    if not isinstance(answer, HttpResponseRedirect):
        return answer
    # A browser applies `form-action` of our content security policy to redirects as well. A page in between leads on.
    return render(request, "signin/to_provider.html", {"provider": oidc.get_provider(), "url": answer.url})


def callback(request: HttpRequest, provider_id: object) -> HttpResponse:
    """Where the provider sends people back to."""
    oidc = _usable(request, provider_id)
    # Each one asks the provider, and holds a thread meanwhile.
    refused = ratelimit.consume_or_429(request, action="login", limit_get=True)
    try:
        with oidc.scope:
            return refused or OAuth2CallbackView.adapter_view(oidc)(request)
    except (OAuth2Error, RequestException) as error:
        return render_authentication_error(request, oidc.get_provider(), exception=error)


def _usable(request: HttpRequest, provider_id: object) -> TenantOIDC:
    """Raises Http404 for a provider that is off or does not exist; one cannot be told from the other."""
    if get_adapter().active_provider(str(provider_id)) is None:
        raise Http404
    return TenantOIDC(request, str(provider_id))
