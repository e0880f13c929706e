"""The side bar: four groups, in which each person finds only what they may open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """`view` is the name of an admin page; None leads to the list of the permission's model."""

    title: str
    icon: str
    permission: str | None
    view: str | None = None

    def link(self) -> str | None:
        """None where the model has no page."""
        view = self.view
        if view is None and self.permission is not None:
            app_label, _, codename = self.permission.partition(".")
            view = f"{app_label}_{codename.removeprefix('view_')}_changelist"
        try:
            return reverse(f"admin:{view}")
        except NoReverseMatch:
            return None


GROUPS: dict[str, tuple[Entry, ...]] = {
    "Operations": (
        Entry("Dashboard", "dashboard", None, "index"),
        Entry("Sessions now", "cable", "devices.view_link", "sessions"),
        Entry("Instructions", "send", "cem_service.view_instruction"),
        Entry("Plan runs", "event_note", "cem_service.view_planrun"),
        Entry("Forecasts", "query_stats", "cem_service.view_forecastscore"),
        # No model has this permission: it is for manufacturers, who see other things of a device than its owner.
        Entry("Support", "support_agent", "portal.view_support", "supported"),
        Entry("Products in use", "monitoring", "portal.view_support", "product_health"),
        # No model has this permission, so only those have it who may do everything.
        Entry("Set aside", "report", "portal.view_poison", "poison"),
    ),
    "Registry": (
        Entry("Sites", "home_work", "devices.view_site"),
        Entry("Devices", "electrical_services", "devices.view_device"),
        Entry("Device types", "category", "devices.view_devicetype"),
        Entry("Vendor accounts", "cloud_sync", "rm_adapters.view_vendoraccount"),
        Entry("Hosted RMs", "cloud_done", "rm_adapters.view_hostedrm"),
        Entry("Nodes", "hub", "devices.view_node"),
        Entry("Links", "link", "devices.view_link"),
        Entry("Node tokens", "key", "pairing.view_nodetoken"),
        Entry("Dialled ends", "outbound", "pairing.view_dialledend"),
        Entry("Support access", "support_agent", "devices.view_supportgrant"),
    ),
    "Flexibility": (
        Entry("Tariffs", "euro", "cem_service.view_tariff"),
        Entry("Feeds", "rss_feed", "feeds.view_feed"),
        Entry("Objectives", "flag", "cem_service.view_siteobjectives"),
        Entry("Grid limits", "vertical_align_top", "cem_service.view_gridlimit"),
        Entry("Abnormal conditions", "emergency", "cem_service.view_abnormalcondition"),
        Entry("Pools", "workspaces", "flexibility.view_pool"),
        Entry("Enrolments", "group_add", "flexibility.view_enrolment"),
    ),
    "Access": (
        Entry("Tenants", "apartment", "tenants.view_tenant"),
        Entry("People", "person", "tenants.view_user"),
        Entry("Quotas", "speed", "tenants.view_quota", "quotas"),
        Entry("Memberships", "badge", "tenants.view_membership"),
        Entry("Households", "family_home", "tenants.view_household"),
        Entry("Invitations", "mail", "signin.view_invitation"),
        Entry("Identity providers", "login", "signin.view_identityprovider"),
        Entry("Sign-in policies", "policy", "signin.view_signinpolicy"),
        Entry("Second factors", "passkey", "mfa.view_authenticator"),
        Entry("API clients", "api", "tenants.view_apiclient"),
        Entry("API secrets", "vpn_key", "tenants.view_apiclientsecret"),
        Entry("Audit trail", "history", "tenants.view_auditentry"),
        Entry("Retention", "auto_delete", "tenants.view_retention"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """In the form that unfold asks for."""
    groups = [{"title": title, "items": list(_items(title, request))} for title in GROUPS]
    return [group for group in groups if group["items"]]


def environment(_request: HttpRequest) -> list[str] | None:
    """A label beside the person's name while the hub's time is not the real one."""
    factor = settings.CLOCK.factor
    return None if factor == 1 else [f"simulated time, {factor:g} times as fast", "warning"]


def _items(group: str, request: HttpRequest) -> Iterator[dict[str, str]]:
    for entry in GROUPS[group]:
        if entry.permission is None or request.user.has_perm(entry.permission):
            link = entry.link()
            if link is not None:
                yield {"title": entry.title, "icon": entry.icon, "link": link}
