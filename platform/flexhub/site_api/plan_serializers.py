"""What the API answers about plans and instructions, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from cem_service.domain.decision import Objective
from cem_service.domain.reason import ReasonCode
from cem_service.models import Instruction, LedgerStatus, PlanRun
from cem_service.planners.plan import SitePlan
from cem_service.telling import instruction_in_words, run_in_words

RESOLUTION = "PT15M"
_POWERS = "Mean power of each step in W, positive = consumption."
_OBJECTIVES = [objective.value for objective in Objective]

Serializer = serializers.Serializer[Any]


class ReasonSerializer(Serializer):
    code = serializers.ChoiceField(choices=[code.value for code in ReasonCode])
    objective = serializers.ChoiceField(
        choices=_OBJECTIVES, allow_null=True, help_text="What it is about, if anything."
    )
    figures = serializers.DictField(
        help_text="Numbers in the unit that the name ends with; moments, as `…_at`, in ISO 8601 and UTC; names."
    )


class PlannedDeviceSerializer(Serializer):
    name = serializers.CharField(help_text="Empty: a device that is gone.")
    power_w = serializers.ListField(child=serializers.FloatField(), help_text=_POWERS)


class PlanSerializer(Serializer):
    made_at = serializers.DateTimeField()
    start = serializers.DateTimeField(help_text="Start of the first step, in UTC; steps follow without gaps.")
    resolution = serializers.ChoiceField(choices=[RESOLUTION], help_text="ISO 8601 duration of each step.")
    net_w = serializers.ListField(child=serializers.FloatField(), help_text=f"The whole site. {_POWERS}")
    base_w = serializers.ListField(child=serializers.FloatField(), help_text=f"All that is not steered. {_POWERS}")
    devices = PlannedDeviceSerializer(many=True)
    cost_eur = serializers.FloatField(help_text="What the coming day is expected to cost.")
    costs = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The share of each objective in EUR; of one without a price, what is beyond it in kWh.",
    )
    reasons = ReasonSerializer(many=True, help_text="The most important first. Empty: the plan of an earlier release.")
    words = serializers.ListField(
        child=serializers.CharField(), help_text="The reasons in words, in the language of `Accept-Language`: en or nl."
    )


class InstructionSerializer(Serializer):
    id = serializers.UUIDField(help_text="The id of the S2 instruction.")
    device = serializers.CharField()
    message_type = serializers.CharField(help_text="Such as FRBC.Instruction.")
    issued_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(help_text="Until when the energy manager counts on it.")
    power_before_w = serializers.FloatField()
    expected_power_w = serializers.FloatField(help_text="Once it is obeyed; positive = consumption.")
    status = serializers.ChoiceField(choices=LedgerStatus.values)
    reception = serializers.CharField(allow_blank=True, help_text="The device's ReceptionStatus; empty: none yet.")
    objective = serializers.ChoiceField(choices=_OBJECTIVES, help_text="What moved it.")
    reason = ReasonSerializer(allow_null=True, help_text="Null: a row of an earlier release.")
    words = serializers.CharField(help_text="The reason in words, in the language of `Accept-Language`: en or nl.")


def plan_answer(run: PlanRun, plan: SitePlan, names: dict[Any, str]) -> dict[str, Any]:
    """The values of PlanSerializer. `names` are those of devices by their link."""
    return {
        "made_at": plan.made_at,
        "start": plan.start,
        "resolution": RESOLUTION,
        "net_w": plan.net_w.tolist(),
        "base_w": plan.base_w.tolist(),
        "devices": [
            {"name": names.get(link_id, ""), "power_w": device.power_w.tolist()}
            for link_id, device in plan.devices.items()
        ],
        "cost_eur": plan.cost_eur,
        "costs": {objective.value: cost for objective, cost in plan.costs.items()},
        "reasons": run.reasons or [],
        "words": run_in_words(run),
    }


def instruction_answer(row: Instruction) -> dict[str, Any]:
    """The values of InstructionSerializer."""
    same = ("id", "message_type", "issued_at", "ends_at", "power_before_w", "expected_power_w", "status", "reception")
    return {name: getattr(row, name) for name in same} | {
        "device": row.link.rm_node.name,
        "objective": row.objective,
        "reason": row.reason_data,
        "words": instruction_in_words(row),
    }
