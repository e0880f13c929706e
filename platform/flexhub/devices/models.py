"""The registry: sites, the devices in them, and the S2 nodes and links that speak for both.

All power limits are in W, at the site's connection to the grid.
"""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from flexhub.devices.support_grant import SupportGrant
from s2.strictness import Quirk
from tenants.models import Household, Tenant

__all__ = ["Device", "DeviceType", "Link", "Node", "Site", "SupportGrant"]

# How fast a peer may send when its product says nothing else: a device publishes its whole menu in one burst, and then
# a few measurements a second.
DEFAULT_MESSAGES_PER_S = 20
DEFAULT_BURST = 200


def validate_timezone(name: str) -> None:
    """Raises ValidationError for a name that the time zone database does not have."""
    try:
        ZoneInfo(name)
    # A name with dots or none at all is a ValueError, and that of a folder ("Europe") an OSError.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("%(name)s is not a time zone, such as Europe/Amsterdam", params={"name": name}) from error


def quirk_choices() -> list[tuple[str, str]]:
    """The quirks of S2 products that we understand, by name. A function, so that another one needs no migration."""
    return [(quirk.value, quirk.value) for quirk in Quirk]


class Site(models.Model):
    """A building with one grid connection, planned for as one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="sites")
    household = models.ForeignKey(
        Household,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sites",
        help_text="Whose residents see this site. Empty: the provider alone does.",
    )
    name = models.CharField(max_length=100)
    timezone = models.CharField(max_length=64, validators=[validate_timezone], help_text="Such as Europe/Amsterdam.")
    fuse_limit_w = models.PositiveIntegerField(
        "fuse limit (W)", validators=[MinValueValidator(1)], help_text="The most the site may draw from the grid."
    )
    fuse_limit_per_phase_w = models.PositiveIntegerField(
        "fuse limit of each phase (W)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="The most that each of three phases may carry, such as 5750 for 25 A. Empty: only their sum counts.",
    )
    export_limit_w = models.PositiveIntegerField(
        "export limit (W)", null=True, blank=True, help_text="The most it may feed in. Empty: as much as the fuse."
    )
    main_meter = models.ForeignKey(
        "Node",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="metered_site",
        help_text="The RM node whose measurements are those of the whole site.",
    )

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="site_name",
                violation_error_message="This tenant has a site of this name already.",
            ),
            models.UniqueConstraint(fields=["id", "tenant"], name="site_of_tenant"),
            models.CheckConstraint(condition=models.Q(fuse_limit_w__gt=0), name="site_fuse_limit_positive"),
        )

    def __str__(self) -> str:
        return self.name


class DeviceType(models.Model):
    """A product of a manufacturer. Every tenant may read it; its owner alone may write it."""

    class Kind(models.TextChoices):
        PV = "PV", "PV"
        BATTERY = "BATTERY", "battery"
        EV_CHARGER = "EV_CHARGER", "EV charger"
        HEAT_PUMP = "HEAT_PUMP", "heat pump"
        DISHWASHER = "DISHWASHER", "dishwasher"
        METER = "METER", "meter"
        OTHER = "OTHER", "other"

    class Strictness(models.TextChoices):
        STRICT = "strict", "strict"
        LENIENT = "lenient", "lenient"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="device_types", help_text="The manufacturer."
    )
    brand = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind)
    strictness = models.CharField(
        max_length=10,
        choices=Strictness,
        default=Strictness.STRICT,
        db_default=Strictness.STRICT,  # Processes of the version before fill what is newer without knowing it.
        help_text="Strict refuses what breaks a rule of S2. Lenient takes in what does no harm, such as unknown keys, "
        "with a warning. A change counts from a device's next connection on.",
    )
    quirks = ArrayField(
        models.CharField(max_length=40, choices=quirk_choices),
        default=list,
        db_default=[],
        blank=True,
        help_text="Habits of this product that are understood although they break a rule. A warning tells each time.",
    )
    messages_per_s = models.PositiveIntegerField(
        "messages per second",
        default=DEFAULT_MESSAGES_PER_S,
        db_default=DEFAULT_MESSAGES_PER_S,
        validators=[MinValueValidator(1)],
        help_text="How many messages one device may send in the long run. Those above it are answered TEMPORARY_ERROR; "
        "acknowledgements do not count. A change counts from a device's next connection on.",
    )
    burst = models.PositiveIntegerField(
        "messages at once",
        default=DEFAULT_BURST,
        db_default=DEFAULT_BURST,
        validators=[MinValueValidator(1)],
        help_text="How many it may send at once after a pause. All that it offers on connecting has to fit.",
    )

    class Meta:
        ordering = ("brand", "model")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "brand", "model"],
                name="device_type_model",
                violation_error_message="This model is registered already.",
            ),
            models.CheckConstraint(
                condition=models.Q(strictness__in=["strict", "lenient"]), name="device_type_strictness"
            ),
            models.CheckConstraint(
                condition=models.Q(messages_per_s__gt=0, burst__gt=0), name="device_type_pace_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.brand} {self.model}"


class Device(models.Model):
    """One appliance in a site."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="devices")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="devices")
    device_type = models.ForeignKey(DeviceType, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=100)
    serial_number = models.CharField(max_length=100)

    class Meta:
        ordering = ("site", "name")
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "device_type", "serial_number"],
                name="device_serial_number",
                violation_error_message="This device is registered already.",
            ),
            models.UniqueConstraint(fields=["id", "site"], name="device_of_site"),
            models.UniqueConstraint(fields=["id", "tenant"], name="device_of_tenant"),
        )

    def __str__(self) -> str:
        return self.name


class Node(models.Model):
    """An S2 node: a Resource Manager (RM) for a device, or a Customer Energy Manager (CEM) for a site.

    A hosted node is run by us; any other is a peer behind a WebSocket.
    """

    class Role(models.TextChoices):
        CEM = "CEM", "CEM"
        RM = "RM", "RM"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="nodes")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="nodes")
    role = models.CharField(max_length=3, choices=Role)
    device = models.OneToOneField(Device, on_delete=models.CASCADE, null=True, blank=True, related_name="node")
    hosted = models.BooleanField(default=False)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ("site", "role", "name")
        constraints = (
            models.UniqueConstraint(fields=["id", "tenant"], name="node_of_tenant"),
            models.UniqueConstraint(fields=["id", "tenant", "role"], name="node_of_tenant_and_role"),
            models.UniqueConstraint(fields=["id", "site"], name="node_of_site"),
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(role="CEM", hosted=True), name="one_hosted_cem_per_site"
            ),
            models.CheckConstraint(condition=models.Q(role="RM") | models.Q(device=None), name="only_rm_has_device"),
            models.CheckConstraint(condition=models.Q(role__in=["CEM", "RM"]), name="node_role"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


class Link(models.Model):
    """A pairing. An RM has one CEM at a time, a CEM has many RMs.

    The two role columns are constants that take part in foreign keys over (id, tenant, role), which is how PostgreSQL
    itself refuses a link with a node of the wrong role or of another tenant.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="links")
    rm_node = models.OneToOneField(Node, on_delete=models.CASCADE, related_name="rm_link", verbose_name="RM node")
    cem_node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="cem_links", verbose_name="CEM node")
    created_at = models.DateTimeField(auto_now_add=True)
    rm_role = models.GeneratedField(
        expression=models.Value("RM"), output_field=models.CharField(max_length=3), db_persist=True
    )
    cem_role = models.GeneratedField(
        expression=models.Value("CEM"), output_field=models.CharField(max_length=3), db_persist=True
    )

    class Meta:
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=["id", "tenant"], name="link_of_tenant"),)

    def __str__(self) -> str:
        return f"{self.rm_node.name} ↔ {self.cem_node.name}"
