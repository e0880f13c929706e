"""Every page of the admin, the portal and the account that can be looked at, and what a page must not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from tenants.models import User
from tenants.scope import platform_scope
from tests.support.registry import Household

# What browsers run; a block of any other type is data.
_SCRIPT_TYPES = {"", "module", "text/javascript", "application/javascript"}

# Classes that only say which model or field it is about, and attributes whose values a browser acts on.
_NAME = re.compile(r"(?:app|column|field|model)-")
_ACTED_ON = re.compile(r"x-(?!ref$)|@|:|(?:type|rel|style)$")
_LOADED = {("script", "src"), ("link", "href")}

_ACCOUNT = (
    "signin_account",
    "account_change_password",
    "account_logout",
    "socialaccount_connections",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
)

# An element, one of its attributes, and what that says where it matters.
_Feature = tuple[str, str, str]


def pages_of_operator(user: User, household: Household) -> Iterator[str]:
    """Addresses of all pages for `user`, who may see everything: of each model its list, its form and its first row."""
    for name in ("admin:index", "admin:sessions", "admin:poison", *_ACCOUNT):
        yield reverse(name)
    yield reverse("admin:app_list", args=["devices"])
    yield reverse("admin:link_conversation", args=[household.link.pk])
    yield reverse("admin:what_if", args=[household.site.pk])
    request = HttpRequest()
    request.user = user
    for model, page in admin.site._registry.items():
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{base}_changelist")
        if page.has_add_permission(request):
            yield reverse(f"{base}_add")
        with platform_scope("find a row to look at"):
            first = model._default_manager.first()
        if first is not None:
            yield reverse(f"{base}_change", args=[first.pk])
            yield reverse(f"{base}_history", args=[first.pk])
            if page.has_delete_permission(request, first):
                yield reverse(f"{base}_delete", args=[first.pk])


def offences_in(html: str) -> list[str]:
    """Scripts and styles within the page, handlers in attributes, and addresses that are programs."""
    reader = _Reader()
    reader.feed(html)
    return reader.offences


def without_repeats(pages: Mapping[str, str]) -> list[str]:
    """The addresses of so many of these, given with their HTML, that whatever a browser may act on is on one of them.

    The others are made of the same elements, classes, attributes, expressions, scripts and styles, and differ in names.
    """
    found = {address: _features_of(html) for address, html in pages.items()}
    kept, seen = [], set[_Feature]()
    for address in sorted(found, key=lambda each: len(found[each]), reverse=True):
        if found[address] - seen:
            kept.append(address)
            seen |= found[address]
    return kept


def _features_of(html: str) -> set[_Feature]:
    reader = _Features()
    reader.feed(html)
    return reader.found


class _Features(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[_Feature] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, "", ""))
        for name, value in attrs:
            if name == "class":
                self.found |= {(tag, name, word) for word in (value or "").split() if not _NAME.match(word)}
            else:
                is_acted_on = _ACTED_ON.match(name) or (tag, name) in _LOADED
                self.found.add((tag, name, value or "" if is_acted_on else ""))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.offences: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "script" and "src" not in attributes and attributes.get("type", "").lower() in _SCRIPT_TYPES:
            self.offences.append("an inline script")
        if tag in ("style", "base", "object", "embed", "iframe"):
            self.offences.append(f"<{tag}>")
        for name, value in attributes.items():
            if name.startswith("on"):
                self.offences.append(f'{name}="{value}"')
            if value.strip().lower().startswith(("javascript:", "data:text/html")):
                self.offences.append(f'{name}="{value}"')
