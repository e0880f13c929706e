"""Rules for what an RM tells of a storage and its actuators in Fill Rate Based Control.

What follows from the fill level that it reports is judged in `frbc_levels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from s2.findings import Severity
from s2.messages import (
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
    NumberRange,
)
from s2.rules.bands import meets, seams
from s2.rules.references import unresolved
from s2.rules.registry import Breach, Rule, Situation, Upheld, permission, rule
from s2.rules.statuses import time_of_transition

Forecast = FRBCLeakageBehaviour | FRBCUsageForecast | FRBCFillLevelTargetProfile

#: A transition that is reported this long after it is not reported at once.
_LATE = timedelta(minutes=1)

#: Clocks differ: what ended less than this ago may not have ended for the other side.
_SKEW = timedelta(seconds=5)

_DECLARED_BY = {
    FRBCLeakageBehaviour: "provides_leakage_behaviour",
    FRBCUsageForecast: "provides_usage_forecast",
    FRBCFillLevelTargetProfile: "provides_fill_level_target_profile",
}


@rule(
    Rule("R-120", "The elements of a mode cover fill levels without gap or overlap.", "schema FRBC.OperationMode"),
    FRBCSystemDescription,
)
def elements_are_contiguous(message: FRBCSystemDescription, _: Situation) -> Iterator[Breach]:
    yield from _open_seams(message)


@rule(
    Rule("R-121", "The bands of leakage cover fill levels without gap or overlap.", "schema FRBC.LeakageBehaviour"),
    FRBCLeakageBehaviour,
)
def leakage_is_contiguous(message: FRBCLeakageBehaviour, _: Situation) -> Iterator[Breach]:
    yield from _open_seams(message)


@rule(
    # Known at all, in whatever description was published; that it is in force at that time is R-51.
    Rule("R-122", "The instructed actuator exists.", "s2-kit S2-FRBC-003", needs_session=True),
    FRBCInstruction,
)
def actuator_exists(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    missing = unresolved(message, situation)
    if missing is not None and missing.is_actuator and not missing.published:
        yield "$.actuator_id", f"{message.actuator_id} is no actuator of the description"


@rule(
    Rule("R-123", "The instructed mode belongs to the actuator.", "s2-kit S2-FRBC-004", needs_session=True),
    FRBCInstruction,
)
def mode_belongs_to_actuator(message: FRBCInstruction, situation: Situation) -> Iterator[Breach]:
    missing = unresolved(message, situation)
    if missing is not None and not missing.is_actuator and not missing.published:
        yield "$.operation_mode", f"{message.operation_mode} is no operation mode of actuator {message.actuator_id}"


@rule(
    Rule(
        "R-124",
        "Leakage, usage and targets are published only where the storage says so.",
        "schema FRBC.StorageDescription",
        needs_session=True,
        softens=True,
    ),
    FRBCLeakageBehaviour,
    FRBCUsageForecast,
    FRBCFillLevelTargetProfile,
)
def forecast_is_declared(message: Forecast, situation: Situation) -> Iterator[Breach]:
    # It may be about a description that is announced only.
    storages = [each.storage for each in situation.resource.descriptions if isinstance(each, FRBCSystemDescription)]
    flag = _DECLARED_BY[type(message)]
    if storages and not any(getattr(storage, flag) for storage in storages):
        yield "$", f"{flag} should be true in the storage of the system description"


@rule(
    Rule(
        "R-131",
        "The description comes before the statuses and forecasts that are about it.",
        "S2 documentation, examples",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCActuatorStatus,
    FRBCStorageStatus,
    FRBCTimerStatus,
    FRBCLeakageBehaviour,
    FRBCUsageForecast,
    FRBCFillLevelTargetProfile,
)
def description_comes_first(
    _: FRBCActuatorStatus | FRBCStorageStatus | FRBCTimerStatus | Forecast, situation: Situation
) -> Iterator[Breach]:
    if not situation.resource.descriptions.were_given:
        yield "$", "an FRBC.SystemDescription should be sent before"


@rule(
    Rule(
        "R-132",
        "A change of mode is reported at once.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    FRBCActuatorStatus,
)
def change_is_reported_at_once(message: FRBCActuatorStatus, situation: Situation) -> Iterator[Breach]:
    began = message.transition_timestamp
    if began is None or situation.now - began <= _LATE:
        return
    before = situation.resource.activity_before(message.actuator_id, situation.now)
    if before is None or before.mode_id == message.active_operation_mode_id:
        return
    # Some report the start of a transition, others its end.
    late = situation.now - began - time_of_transition(message, situation)
    if late > _LATE:
        yield (
            "$.transition_timestamp",
            f"the change of mode should be reported at once, not {late.total_seconds():g} s on",
        )


@rule(
    Rule(
        "R-133",
        "A forecast or target replaces the former one from its start on, so it is not over when it comes.",
        "schema FRBC.UsageForecast, FRBC.FillLevelTargetProfile",
        Severity.WARNING,
    ),
    FRBCUsageForecast,
    FRBCFillLevelTargetProfile,
)
def forecast_is_not_over(
    message: FRBCUsageForecast | FRBCFillLevelTargetProfile, situation: Situation
) -> Iterator[Breach]:
    elapsed = situation.now - message.start_time
    if elapsed < _SKEW:
        return
    length_s = sum(element.duration for element in message.elements) / 1000
    over_s = elapsed.total_seconds() - length_s
    if over_s >= _SKEW.total_seconds():
        yield "$.start_time", f"this was over {over_s:g} s ago; it should reach into the future to replace anything"


@permission(
    Rule(
        "R-134",
        "Bands that were computed may miss each other by rounding.",
        "own choice; 1e-9 relative",
        Severity.WARNING,
        upheld=Upheld.BY_PERMITTING,
    ),
    FRBCSystemDescription,
    FRBCLeakageBehaviour,
)
def seams_may_be_rounded(message: FRBCSystemDescription | FRBCLeakageBehaviour, _: Situation) -> Iterator[Breach]:
    for path, bands in _bands_of(message):
        for end, start in seams(bands):
            if end != start and meets(end, start):
                yield path, f"a band may end at {end!r} where the next one starts at {start!r}"


def _open_seams(message: FRBCSystemDescription | FRBCLeakageBehaviour) -> Iterator[Breach]:
    for path, bands in _bands_of(message):
        for end, start in seams(bands):
            if not meets(end, start):
                yield path, f"the band that ends at {end:g} should meet the next one, which starts at {start:g}"


def _bands_of(message: FRBCSystemDescription | FRBCLeakageBehaviour) -> Iterator[tuple[str, list[NumberRange]]]:
    """The fill levels of each list of elements, with its JSON path."""
    if isinstance(message, FRBCLeakageBehaviour):
        yield "$.elements", [element.fill_level_range for element in message.elements]
        return
    for a, actuator in enumerate(message.actuators):
        for m, mode in enumerate(actuator.operation_modes):
            path = f"$.actuators[{a}].operation_modes[{m}].elements"
            yield path, [element.fill_level_range for element in mode.elements]
