"""What the API takes and answers, field by field; the help texts are its reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from cem_service.limits import LimitWish
from cem_service.models import GridLimit
from cem_service.readings import MOST_READINGS
from flexhub.bus.meter import MeterReading
from flexhub.site_api.fields import LimitField, MomentField, PowerField

STATES = ("announced", "in_force", "ended", "withdrawn")

# Nothing here is ever saved by a serializer, so the base class needs no type argument of a model.
Serializer = serializers.Serializer[Any]


class SiteSerializer(Serializer):
    id = serializers.UUIDField(help_text="Names the site in other addresses.")
    name = serializers.CharField()
    timezone = serializers.CharField(help_text="Such as Europe/Amsterdam.")


class SitesSerializer(Serializer):
    sites = SiteSerializer(many=True, help_text="By name.")
    next = serializers.CharField(allow_null=True, help_text="`after` for the sites that follow; null: these are all.")


class AfterSerializer(Serializer):
    after = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=100, help_text="`next` of the answer before."
    )


class LimitWishSerializer(Serializer):
    starts_at = MomentField(
        required=False, help_text="From when on, on the hub's clock. Left out: from now on. In the past: at once."
    )
    ends_at = MomentField(help_text="It ends by itself then. 366 days after its start at the latest.")
    # The metaclass takes fields out of the class, so the name is free for one.
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=100, help_text="Who asks, such as the name of the grid operator."
    )
    reason = serializers.CharField(max_length=300, help_text="In words; the household reads it.")
    import_w = LimitField(help_text="The most that the site may draw from the grid, in W.")
    export_w = LimitField(help_text="The most that it may feed in, in W.")
    steerable_w = LimitField(
        help_text="The most that its steerable devices may draw from the grid together, in W, as § 14a EnWG has it."
    )

    def wish(self, now: datetime) -> LimitWish:
        """What was sent and found right."""
        return LimitWish(**{"starts_at": now, **self.validated_data})


class LimitSerializer(Serializer):
    reference = serializers.CharField(help_text="The name by which whoever set it knows it.")
    state = serializers.ChoiceField(choices=STATES)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment] # As above.
    reason = serializers.CharField()
    import_w = serializers.IntegerField(allow_null=True, help_text="W; null: not limited by this.")
    export_w = serializers.IntegerField(allow_null=True, help_text="W; null: not limited by this.")
    steerable_w = serializers.IntegerField(allow_null=True, help_text="W; null: not limited by this.")


def limit_answer(limit: GridLimit, now: datetime) -> dict[str, Any]:
    """The values of LimitSerializer."""
    names = set(LimitSerializer().fields) - {"state"}
    return {name: getattr(limit, name) for name in names} | {"state": limit.state(now).replace(" ", "_")}


class ReadingSerializer(Serializer):
    at = MomentField(help_text="When it was read.")
    power_w = PowerField(required=False, help_text="Of the whole site in W; positive = drawn from the grid.")
    phases_w = serializers.ListField(
        child=PowerField(),
        required=False,
        min_length=3,
        max_length=3,
        help_text="The same on L1, L2 and L3, in this order, instead of `power_w`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("power_w" in attrs) == ("phases_w" in attrs):
            raise ValidationError("Give either power_w, or phases_w with three values.")
        return attrs


class ReadingsSerializer(Serializer):
    readings = serializers.ListField(
        child=ReadingSerializer(),
        min_length=1,
        max_length=MOST_READINGS,
        help_text="In any order. Each moment is there once, and all are of one kind: with phases, or without.",
    )

    def meter_readings(self) -> list[MeterReading]:
        """What was sent and found right."""
        return [_reading(one) for one in self.validated_data["readings"]]


def _reading(sent: dict[str, Any]) -> MeterReading:
    phases_w = sent.get("phases_w")
    if phases_w is None:
        return MeterReading(sent["at"], sent["power_w"])
    return MeterReading(sent["at"], sum(phases_w), tuple(phases_w))


class TakenSerializer(Serializer):
    taken = serializers.IntegerField(help_text="How many readings were taken: all of them.")
    latest_at = serializers.DateTimeField(help_text="The moment of the latest among them.")
