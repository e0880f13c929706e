"""The reasons of a plan in English, one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

from cem_service.domain.reason import Reason
from cem_service.domain.resource import Resource
from cem_service.phrases import DEFAULT, sentence
from cem_service.planners.plan import DevicePlan


def with_words(resource: Resource, plan: DevicePlan, reasons: tuple[Reason, ...], timezone: str) -> DevicePlan:
    """The plan with its reasons, as data and in words. Each names the resource."""
    named = tuple(replace(one, figures={"name": resource.name, **one.figures}) for one in reasons)
    return replace(plan, reasons=named, reason=" ".join(notes(named, timezone)))


def notes(reasons: Iterable[Reason], timezone: str) -> tuple[str, ...]:
    zone = ZoneInfo(timezone)
    return tuple(sentence(reason, DEFAULT, zone) for reason in reasons)
