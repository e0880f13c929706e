"""Every URL of the resolver, and what has to be known of it to try it.

Pages of models in the admin are understood by their names. Any other URL has a line in CASES, and a new one that has
none fails `test_urls.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic import RedirectView

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
_MODEL_PAGE = re.compile(r"/admin/(\w+)/(\w+)/<")


CONTENT_TYPE = "its content type"
_NO_ANSWER = "00000000-0000-4000-8000-0000000000aa"


@dataclass(frozen=True, slots=True)
class Case:
    """`model` is whose id stands in the URL, or in the fields of a write. `fixed` are other parts of the URL.

    In these, CONTENT_TYPE stands for what Django numbers the model with.
    """

    model: str | None = None
    fixed: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


# By the URL, since not each has a name. What is about the person's own account, or about nobody, names no model.
CASES: dict[str, Case] = {
    "/": Case(),
    "/healthz": Case(),
    "/readyz": Case(),
    "/admin/": Case(),
    "/admin/search/": Case(fields=("s",), model="devices.Site"),
    "/admin/switch-tenant/": Case(fields=("tenant_id",), model="tenants.Tenant"),
    "/admin/poison/": Case(),
    "/admin/quotas/": Case(),
    "/admin/support/": Case(),
    "/admin/support/products/": Case(),
    "/admin/support/<uuid:device_id>/": Case("devices.Device"),
    "/admin/tenants/auditentry/export.<str:form>": Case(fixed={"form": "csv"}),
    "/admin/sites/<uuid:site_id>/forecasts/": Case("devices.Site"),
    "/admin/sessions/": Case(),
    "/admin/sites/<uuid:site_id>/what-if/": Case("devices.Site", fields=("tariff",)),
    "/admin/sites/<uuid:site_id>/what-if/<uuid:answer_id>/": Case("devices.Site", {"answer_id": _NO_ANSWER}),
    "/admin/links/<uuid:link_id>/conversation/": Case("devices.Link"),
    "/admin/links/<uuid:link_id>/conversation.jsonl": Case("devices.Link"),
    "/admin/login/": Case(),
    "/admin/password_change/": Case(),
    "/admin/password_change/done/": Case(),
    # Tried field by field in test_admin.py.
    "/admin/autocomplete/": Case(),
    "/accounts/": Case(),
    "/accounts/second-factor/": Case(),
    "/accounts/invitations/": Case(),
    "/accounts/invitations/<str:token>/": Case(fixed={"token": "no-such-token"}),
    "/accounts/login/": Case(),
    "/accounts/inactive/": Case(),
    "/accounts/reauthenticate/": Case(),
    "/accounts/password/change/": Case(),
    "/accounts/password/set/": Case(),
    "/accounts/password/reset/": Case(),
    "/accounts/password/reset/done/": Case(),
    "/accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/": Case(fixed={"uidb36": "1", "key": "none"}),
    "/accounts/password/reset/key/done/": Case(),
    "/accounts/2fa/": Case(),
    "/accounts/2fa/authenticate/": Case(),
    "/accounts/2fa/reauthenticate/": Case(),
    "/accounts/2fa/totp/activate/": Case(),
    "/accounts/2fa/totp/deactivate/": Case(),
    "/accounts/2fa/recovery-codes/": Case(),
    "/accounts/2fa/recovery-codes/generate/": Case(),
    "/accounts/2fa/recovery-codes/download/": Case(),
    "/accounts/2fa/webauthn/": Case(),
    "/accounts/2fa/webauthn/add/": Case(),
    "/accounts/2fa/webauthn/reauthenticate/": Case(),
    "/accounts/2fa/webauthn/keys/<int:pk>/remove/": Case("mfa.Authenticator"),
    "/accounts/2fa/webauthn/keys/<int:pk>/edit/": Case("mfa.Authenticator"),
    "/accounts/connections/": Case("socialaccount.SocialAccount", fields=("account",)),
    "/accounts/connections/cancelled/": Case(),
    "/admin/jsi18n/": Case(),
    "/admin/r/<path:content_type_id>/<path:object_id>/": Case("devices.Site", {"content_type_id": CONTENT_TYPE}),
    "/admin/(?P<url>.*)": Case("devices.Site"),
    # Tried with what is not one's own in test_api.py.
    "/oauth/token": Case(),
    "/oauth/revoke": Case(),
    "/oauth/introspect": Case(),
    "/.well-known/oauth-authorization-server": Case(),
    "/api/v1/pools/": Case(),
    "/api/v1/pools/<str:pool_id>/flexibility": Case("flexibility.Pool"),
    "/api/v1/pools/<str:pool_id>/flexibility/": Case("flexibility.Pool"),
    "/api/v1/sites/": Case(),
    "/api/v1/sites/<str:site_id>/limits": Case("devices.Site"),
    "/api/v1/sites/<str:site_id>/limits/<str:reference>": Case("devices.Site", {"reference": "event-1"}),
    "/api/v1/sites/<str:site_id>/plan": Case("devices.Site"),
    "/api/v1/sites/<str:site_id>/instructions": Case("devices.Site"),
    "/api/v1/sites/<str:site_id>/forecasts": Case("devices.Site"),
    "/api/v1/sites/<str:site_id>/readings": Case("devices.Site"),
    "/api/v1/sites/<str:site_id>/what-if": Case("devices.Site"),
    "/api/schema/": Case(),
    "/api/docs/": Case(),
}
NOT_ASKED = {
    "/admin/logout/": "signs out whoever asks, whatever is said to it",
    "/accounts/logout/": "as above",
    "/accounts/oidc/<uuid:provider_id>/login/": "leads anybody who has the link to where a tenant's people sign in",
    "/accounts/oidc/<uuid:provider_id>/callback/": "as above; what comes back is checked by tests of the sign-in",
}


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is the whole URL as the resolver writes it."""

    pattern: str
    callback: Any

    @property
    def parameters(self) -> list[str]:
        return [first or second for first, second in _PARAMETER.findall(self.pattern)]

    @property
    def writes(self) -> bool:
        """Whether anything more can come of a POST than of a GET."""
        return not _MODEL_PAGE.match(self.pattern) or not self.pattern.endswith((">/", "/history/"))

    @property
    def only_leads_on(self) -> bool:
        """Whether it is Django's redirect to another of these URLs, which looks at no row, whoever asks."""
        return getattr(self.callback, "view_class", None) is RedirectView

    def case(self) -> Case | None:
        """What is known of it; None for a URL that nobody has thought of."""
        if known := CASES.get(self.pattern):
            return known
        page = _MODEL_PAGE.match(self.pattern)
        if page and (model := _registered(*page.groups())):
            return Case(model._meta.label)
        if self.pattern in _pages_without_ids():
            return Case()
        return None

    def url(self, row_id: object, case: Case, content_type: object = None) -> str:
        def value(match: re.Match[str]) -> str:
            fixed = case.fixed.get(match[1] or match[2])
            return str(row_id) if fixed is None else fixed.replace(CONTENT_TYPE, str(content_type))

        return _PARAMETER.sub(value, self.pattern)


def routes() -> Iterator[Route]:
    yield from _routes(get_resolver(), "/")


def _routes(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for each in resolver.url_patterns:
        pattern = prefix + str(each.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(each, URLPattern):
            yield Route(pattern, each.callback)
        else:
            yield from _routes(each, pattern)


def _registered(app_label: str, model_name: str) -> type[Model] | None:
    try:
        model = apps.get_model(app_label, model_name)
    except LookupError:
        return None
    return model if admin.site.is_registered(model) else None


def _pages_without_ids() -> set[str]:
    """Lists, pages to add, and the first page of each app."""
    folders = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    labels = dict.fromkeys(model._meta.app_label for model in admin.site._registry)
    return folders | {f"{folder}add/" for folder in folders} | {f"/admin/(?P<app_label>{'|'.join(labels)})/"}
