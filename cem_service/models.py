"""What the hosted CEM keeps: tariffs, what it was asked to pursue, each plan run with its reasons, and the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from cem_service.domain.decision import Objective
from cem_service.feeds.models import Feed
from cem_service.forecast_models import ForecastModel, ForecastScore
from cem_service.grid_limit import AbnormalCondition, GridLimit
from cem_service.site_peak import SitePeak
from flexhub.devices.models import Link, Site
from tenants.models import Tenant

__all__ = [
    "AbnormalCondition",
    "ForecastModel",
    "ForecastScore",
    "GridLimit",
    "Instruction",
    "LedgerStatus",
    "PlanRun",
    "PlanRunKind",
    "Pursuit",
    "SiteObjectives",
    "SitePeak",
    "Tariff",
]

HOURS_A_DAY = 24
# More than any machine has parts that wait for their start.
MOST_TOLD = 64
# Above any price that is meant, and low enough for a typing error to be noticed.
LARGEST_PRICE = 1000


def validate_day_of_prices(prices: object) -> None:
    """A tariff has one finite price for each local hour."""
    if not isinstance(prices, list) or len(prices) != HOURS_A_DAY:
        raise ValidationError("must be a list of 24 prices in EUR/kWh, one for each local hour")
    # Written so that NaN, which is smaller than nothing and not larger either, does not pass.
    if not all(
        isinstance(price, int | float) and not isinstance(price, bool) and abs(price) <= LARGEST_PRICE
        for price in prices
    ):
        raise ValidationError("each price must be a number of EUR/kWh between -1000 and 1000")


def validate_amount(amount: float) -> None:
    """A price that is added to others: a finite number, not below 0."""
    # Written so that NaN does not pass.
    if not 0 <= amount <= LARGEST_PRICE:
        raise ValidationError(f"must be between 0 and {LARGEST_PRICE}")


class Tariff(models.Model):
    """Prices by local hour, in EUR/kWh; a negative export price means that feeding in costs money.

    Saturdays and Sundays may have prices of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    import_eur_per_kwh = models.JSONField(validators=[validate_day_of_prices])
    export_eur_per_kwh = models.JSONField(validators=[validate_day_of_prices])
    weekend_import_eur_per_kwh = models.JSONField(null=True, blank=True, validators=[validate_day_of_prices])
    weekend_export_eur_per_kwh = models.JSONField(null=True, blank=True, validators=[validate_day_of_prices])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="tariff_name"),
            # Referred to by site objectives, so that they cannot name another tenant's tariff.
            models.UniqueConstraint(fields=["id", "tenant"], name="tariff_of_tenant"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """An empty list or the like, which Django takes for no value, is stored as none."""
        self.weekend_import_eur_per_kwh = self.weekend_import_eur_per_kwh or None
        self.weekend_export_eur_per_kwh = self.weekend_export_eur_per_kwh or None


def _followed(name: str, help_text: str) -> models.ForeignKey[Feed | None, Feed | None]:
    """A feed that a site may follow for something."""
    return models.ForeignKey(
        Feed,
        verbose_name=name,
        help_text=help_text,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )


class Pursuit(models.TextChoices):
    """What may be switched on and off at a site, by the name of its objective. Limits, comfort and prices are not."""

    BANDWIDTH = Objective.BANDWIDTH.value, "contracted capacity"
    CAPACITY_TARIFF = Objective.CAPACITY_TARIFF.value, "the month's peak"
    CARBON = Objective.CARBON.value, "carbon dioxide of the grid"
    SELF_CONSUMPTION = Objective.SELF_CONSUMPTION.value, "own power first"


def all_pursuits() -> list[str]:
    return list(Pursuit.values)


class SiteObjectives(models.Model):
    """What the hosted CEM pursues at a site, below the limits of its grid connection, which always come first."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE, primary_key=True, related_name="objectives")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="+")
    # Where a feed has nothing to say, or there is none, the tariff's prices count.
    import_price_feed = _followed("prices of buying", "Where it says nothing, the tariff's prices count.")
    export_price_feed = _followed("prices of feeding in", "As above.")
    carbon_feed = _followed("grid carbon", "How much carbon dioxide a kilowatt-hour of the grid causes.")
    weather_feed = _followed("weather", "Irradiance and temperature at the site.")
    limits_feed = _followed("limits", "What the grid operator allows the site to draw and to feed in.")
    pursued = ArrayField(
        models.CharField(max_length=20, choices=Pursuit),
        default=all_pursuits,
        db_default=Pursuit.values,
        blank=True,
        help_text="What is not chosen counts for nothing, whatever its figures say. Limits and prices always count.",
    )
    contracted_import_w = models.PositiveIntegerField(
        "contracted capacity (W)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="What the contract allows; more is possible, and costs the price below. Empty: as much as the fuse.",
    )
    contracted_import_eur_per_kwh = models.FloatField(
        "beyond it (EUR/kWh)",
        default=0.0,
        db_default=0.0,
        validators=[validate_amount],
        help_text="On top of the tariff, for what is drawn above the contracted capacity.",
    )
    peak_eur_per_kw = models.FloatField(
        "capacity tariff (EUR/kW)",
        default=0.0,
        db_default=0.0,
        validators=[validate_amount],
        help_text="For each kW of the month's highest quarter hour. Needs a main meter, which knows the peak so far.",
    )
    carbon_eur_per_kg = models.FloatField(
        "carbon dioxide (EUR/kg)",
        default=0.0,
        db_default=0.0,
        validators=[validate_amount],
        help_text="What a kilogram less from the grid is worth. Needs a source of its carbon intensity.",
    )
    self_consumption_eur_per_kwh = models.FloatField(
        "own power (EUR/kWh)",
        default=0.0,
        db_default=0.0,
        validators=[validate_amount],
        help_text="What it is worth to use a kWh at home rather than to feed it in, beyond what it saves.",
    )
    reserve_percent = models.PositiveSmallIntegerField(
        "reserve (%)",
        default=0,
        db_default=0,
        validators=[MaxValueValidator(90)],
        help_text="How full batteries and buffers are kept at least, of what they hold.",
    )

    class Meta:
        verbose_name_plural = "site objectives"

    def __str__(self) -> str:
        return f"objectives of {self.site}"


class PlanRunKind(models.TextChoices):
    PLAN = "PLAN", "plan"
    REACTION = "REACTION", "reaction"


#: Among the inputs of a plan: the price of each of its quarter hours in EUR/kWh, to be shown beside it later.
PLANNED_PRICES = "planned_buy_eur_per_kwh"


class PlanRun(models.Model):
    """One look of the CEM at a site. A plan looks ahead a day; a reaction acts on what was just measured."""

    # No person makes or deletes one, so its end leaves no audit row (`tenants.deletion`).
    written_by_system: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="plan_runs")
    kind = models.CharField(max_length=10, choices=PlanRunKind.choices)
    at = models.DateTimeField(help_text="on the hub's clock")
    duration_ms = models.FloatField(help_text="real time that the computation took")
    summary = models.TextField(help_text="the reasons, in words")
    inputs = models.JSONField(
        default=dict, help_text="what the CEM saw: powers in W, prices in EUR/kWh, missing pieces"
    )
    plan = models.JSONField(null=True, blank=True, help_text="the plan itself; empty for a reaction")
    reasons = models.JSONField(
        null=True, blank=True, help_text="the reasons, as data; empty for a row of a release that wrote words only"
    )

    class Meta:
        get_latest_by = "at"
        indexes: ClassVar = [
            models.Index(fields=["site", "kind", "-at"], name="plan_run_latest"),
            models.Index(fields=["-at"], name="plan_run_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.site} at {self.at:%Y-%m-%d %H:%M:%S}"


class LedgerStatus(models.TextChoices):
    """S2's instruction statuses, and what can happen to an instruction before the device has a say."""

    ISSUED = "ISSUED", "issued"
    UNDELIVERED = "UNDELIVERED", "not delivered"
    REFUSED = "REFUSED", "refused before sending"
    NEW = "NEW", "new"
    ACCEPTED = "ACCEPTED", "accepted"
    REJECTED = "REJECTED", "rejected"
    REVOKED = "REVOKED", "revoked"
    STARTED = "STARTED", "started"
    SUCCEEDED = "SUCCEEDED", "succeeded"
    ABORTED = "ABORTED", "aborted"
    # Aborted by the device because a newer instruction of ours took its place.
    REPLACED = "REPLACED", "replaced by a newer one"


TERMINAL_STATUSES = frozenset(
    {
        LedgerStatus.UNDELIVERED,
        LedgerStatus.REFUSED,
        LedgerStatus.REJECTED,
        LedgerStatus.REVOKED,
        LedgerStatus.SUCCEEDED,
        LedgerStatus.ABORTED,
        LedgerStatus.REPLACED,
    }
)
# What a person must notice: the device, or the seat before it, said no.
REFUSED_STATUSES = frozenset({LedgerStatus.REFUSED, LedgerStatus.REJECTED, LedgerStatus.ABORTED})


# Where the latest is one of several that stand at once, or was refused, those before it count as well.
# As an array, which is made once; a subquery may be asked again for each row that was ever issued.
_COUNTING = """
    cem_service_instruction.id = ANY (ARRAY (
        SELECT counting.id FROM unnest(%s::uuid[]) AS wanted (link_id), LATERAL (
            SELECT starts_with(message_type, 'PPBC.') OR status = ANY(%s) OR reception NOT IN ('', 'OK') AS several
            FROM cem_service_instruction WHERE link_id = wanted.link_id ORDER BY issued_at DESC LIMIT 1
        ) AS latest, LATERAL (
            SELECT id FROM cem_service_instruction WHERE link_id = wanted.link_id ORDER BY issued_at DESC
            LIMIT CASE WHEN latest.several THEN %s ELSE 1 END
        ) AS counting
    ))
"""


class InstructionQuerySet(models.QuerySet["Instruction"]):
    def refused(self) -> Self:
        """Refused by the device or by our own rules before sending: by status, or by the reception status."""
        said_no = Q(reception__gt="") & ~Q(reception="OK")
        return self.filter(Q(status__in=REFUSED_STATUSES) | said_no)

    def that_count(self, link_ids: Sequence[uuid.UUID]) -> Self:
        """What the next decision about these links has to know, oldest first: the latest instruction of each.

        A profile has many containers, and each of them keeps the start that it was told; a device that refused is left
        alone the longer, the oftener it did. So of such a link the latest MOST_TOLD come.

        It takes few looks into the index for each link. DISTINCT ON would read all that a link was ever told.
        """
        refused = [status.value for status in REFUSED_STATUSES]
        parameters = [link_ids, refused, MOST_TOLD]
        counting = RawSQL(_COUNTING, parameters, models.BooleanField())  # noqa: S611 - Its text is always the same.
        return self.filter(counting).order_by("issued_at")


class Instruction(models.Model):
    """A row of the ledger. Its id is the `id` of the S2 instruction, which makes issuing it idempotent."""

    written_by_system: ClassVar[bool] = True

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="instructions")
    # The index `instruction_of_link` serves it.
    link = models.ForeignKey(Link, on_delete=models.CASCADE, related_name="instructions", db_index=False)
    plan_run = models.ForeignKey(PlanRun, on_delete=models.SET_NULL, null=True, related_name="instructions")
    seat_token = models.BigIntegerField(help_text="the fencing token of the session it was meant for")
    message_type = models.CharField(max_length=64)
    message = models.JSONField(help_text="the S2 message as it goes over the wire")
    objective = models.CharField(max_length=32)
    reason = models.TextField(help_text="in English")
    reason_data = models.JSONField(null=True, blank=True, help_text="as data; empty in rows of earlier releases")
    expected_power_w = models.FloatField(help_text="once it is obeyed; positive = consumption")
    power_before_w = models.FloatField(help_text="when it was decided; positive = consumption")
    issued_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="until when the CEM counts on it")
    status = models.CharField(max_length=16, choices=LedgerStatus.choices, default=LedgerStatus.ISSUED)
    status_at = models.DateTimeField()
    reception = models.CharField(max_length=24, blank=True, help_text="the device's ReceptionStatus")
    findings = models.JSONField(default=list, blank=True)

    objects = InstructionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["link", "-issued_at"], name="instruction_of_link"),
            models.Index(fields=["-issued_at"], name="instruction_recent"),
            models.Index(fields=["status"], name="instruction_status"),
        ]

    def __str__(self) -> str:
        return f"{self.message_type} {self.id}"

    @property
    def is_one_of_several(self) -> bool:
        """Whether its resource can be told several things at once."""
        return self.message_type.startswith("PPBC.")

    @property
    def is_refused(self) -> bool:
        return self.status in REFUSED_STATUSES or self.reception not in {"", "OK"}
