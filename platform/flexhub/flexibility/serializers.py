"""What the API answers, field by field; the help texts are the API's reference."""

from __future__ import annotations

from typing import Any, TypedDict

from rest_framework import serializers

from cem_service.planners.plan import STEP
from flexhub.flexibility.loading import PoolFlexibility

RESOLUTION = "PT15M"
BASELINE_METHOD = "schedule"

# Nothing here is ever written through a serializer, so the base class needs no type argument of a model.
Serializer = serializers.Serializer[Any]


class PoolSerializer(Serializer):
    id = serializers.UUIDField(help_text="Names the pool in other addresses.")
    name = serializers.CharField()


class SiteCountSerializer(Serializer):
    enrolled = serializers.IntegerField(help_text="Sites in the pool.")
    available = serializers.IntegerField(
        help_text="Sites of which at least one device is connected. All figures below are sums over these."
    )


class DeviceCountSerializer(Serializer):
    total = serializers.IntegerField(help_text="Devices in the enrolled sites that are paired with an energy manager.")
    available = serializers.IntegerField(help_text="Devices that are connected and whose state is recent.")
    stale = serializers.IntegerField(
        help_text="Devices that are connected, but whose last measurement is older than 5 minutes. They count in the "
        "baseline and offer nothing. The rest of `total` is not connected."
    )


class QuarterSerializer(Serializer):
    start = serializers.DateTimeField(help_text="Start of the quarter hour, in UTC.")
    baseline_w = serializers.FloatField(
        help_text="Mean power in W that the available sites are planned to take from the grid; negative: to feed in."
    )
    up_w = serializers.FloatField(
        min_value=0,
        help_text="By how much, in W, the mean power of this quarter hour can be raised above the baseline (more "
        "consumption or less production), if the pool follows its baseline until then and deviates in this quarter "
        "hour only. Never negative. Offers of several quarter hours do not add up: the same storage stands behind "
        "them.",
    )
    down_w = serializers.FloatField(
        min_value=0,
        help_text="By how much, in W, it can be lowered below the baseline (less consumption or more production), "
        "under the same condition. Never negative.",
    )


class FlexibilitySerializer(Serializer):
    pool = serializers.UUIDField()
    computed_at = serializers.DateTimeField(help_text="The moment of the states that this was computed from.")
    valid_until = serializers.DateTimeField(
        help_text="The end of the first quarter hour. Ask again then, or sooner: states change all the time."
    )
    resolution = serializers.ChoiceField(choices=[RESOLUTION], help_text="ISO 8601 duration of each quarter.")
    sites = SiteCountSerializer()
    devices = DeviceCountSerializer()
    baseline_method = serializers.ChoiceField(
        choices=[BASELINE_METHOD],
        help_text="`schedule`: the latest plan of each site; where there is none, its present power goes on.",
    )
    quarters = serializers.ListField(
        child=QuarterSerializer(),
        min_length=96,
        max_length=96,
        help_text="96 quarter hours without gaps. The first is the current one; its figures are means over what is "
        "left of it.",
    )


class Quarter(TypedDict):
    start: object
    baseline_w: float
    up_w: float
    down_w: float


def as_answer(result: PoolFlexibility) -> dict[str, Any]:
    """The values of FlexibilitySerializer."""
    horizon = result.horizon
    return {
        "pool": result.pool.pk,
        "computed_at": horizon.now,
        "valid_until": horizon.start + STEP,
        "resolution": RESOLUTION,
        "sites": {"enrolled": result.sites_enrolled, "available": result.sites_available},
        "devices": result.devices,
        "baseline_method": BASELINE_METHOD,
        "quarters": _quarters(result),
    }


def _quarters(result: PoolFlexibility) -> list[Quarter]:
    offer = result.offer
    columns = zip(*(_tenths(column) for column in (offer.baseline_w, offer.up_w, offer.down_w)), strict=True)
    return [
        Quarter(start=result.horizon.step_start(step), baseline_w=baseline_w, up_w=up_w, down_w=down_w)
        for step, (baseline_w, up_w, down_w) in enumerate(columns)
    ]


def _tenths(column: Any) -> list[float]:
    # Adding zero turns -0.0, which is legal JSON and puzzles people, into 0.0.
    return [round(float(power_w), 1) + 0.0 for power_w in column]
