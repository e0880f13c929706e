"""What the members of each kind of tenant may do in the admin.

This table decides which models a person sees; row-level security decides which rows. Entries are `app.model`,
`app.*` for all models of an app, or `*`. Who may change may also add, delete and view.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Role:
    view: frozenset[str] = frozenset()
    change: frozenset[str] = frozenset()


ROLES: dict[str, Role] = {
    Tenant.Kind.OPERATOR: Role(change=frozenset({"*"})),
    Tenant.Kind.PROVIDER: Role(
        view=frozenset(
            {"devices.*", "telemetry.*", "cem_service.*", "rm_adapters.*", "tenants.auditentry", "tenants.quota"}
        ),
        change=frozenset(
            {
                "devices.site",
                "devices.device",
                "devices.node",
                "devices.link",
                "devices.supportgrant",
                "pairing.nodetoken",
                "pairing.dialledend",
                "cem_service.siteobjectives",
                "cem_service.tariff",
                "rm_adapters.vendoraccount",
                "rm_adapters.hostedrm",
                "tenants.apiclient",
                "tenants.apiclientsecret",
            }
        ),
    ),
    # Its types and nothing of the households that use them; under support, single devices without their names.
    Tenant.Kind.MANUFACTURER: Role(
        view=frozenset({"tenants.auditentry", "tenants.quota", "portal.support"}),
        change=frozenset({"devices.devicetype", "tenants.apiclient", "tenants.apiclientsecret"}),
    ),
    # Pools of homes, never a home.
    Tenant.Kind.AGGREGATOR: Role(
        view=frozenset({"flexibility.*", "tenants.auditentry", "tenants.quota"}),
        change=frozenset({"tenants.apiclient", "tenants.apiclientsecret"}),
    ),
}

_CHANGES = frozenset({"add", "change", "delete"})


def allows(kind: str, permission: str) -> bool:
    """Whether `kind` has a Django permission such as `devices.view_site`."""
    role = ROLES[kind]
    app_label, _, codename = permission.partition(".")
    verb, _, model = codename.partition("_")
    wanted = {f"{app_label}.{model}", f"{app_label}.*", "*"}
    if wanted & role.change:
        return verb == "view" or verb in _CHANGES or "*" in role.change
    return verb == "view" and bool(wanted & role.view)


def allows_app(kind: str, app_label: str) -> bool:
    """Whether `kind` may do anything in this app."""
    role = ROLES[kind]
    return any(entry == "*" or entry.partition(".")[0] == app_label for entry in role.view | role.change)
