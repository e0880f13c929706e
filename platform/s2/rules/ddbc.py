"""Rules for Demand Driven Based Control. How supply and demand are compared is in `ddbc_supply`."""

from __future__ import annotations

from collections.abc import Iterator

from s2.findings import Severity
from s2.messages import (
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCInstruction,
    DDBCSystemDescription,
    DDBCTimerStatus,
)
from s2.rules.references import any_has_mode, has_mode
from s2.rules.registry import Breach, Rule, Situation, Upheld, declare, rule
from s2.versions import WireProfile


@rule(
    # Known at all, in whatever description was published; that it is in force at that time is R-51.
    Rule("R-140", "The instructed actuator and mode are known.", "s2-kit S2-DDBC-001, S2-DDBC-002", needs_session=True),
    DDBCInstruction,
)
def instructed_mode_is_known(message: DDBCInstruction, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(message.actuator_id)
    if machines is None:
        return
    if not machines:
        yield "$.actuator_id", f"{message.actuator_id} is no actuator of the description"
    elif not any_has_mode(machines, message.operation_mode_id):
        text = f"{message.operation_mode_id} is no operation mode of actuator {message.actuator_id}"
        yield "$.operation_mode_id", text


@rule(
    Rule(
        "R-142",
        "Demand is forecast only where the description says so.",
        "schema DDBC.SystemDescription",
        needs_session=True,
        softens=True,
    ),
    DDBCAverageDemandRateForecast,
)
def forecast_is_declared(_: DDBCAverageDemandRateForecast, situation: Situation) -> Iterator[Breach]:
    published = [each for each in situation.resource.descriptions if isinstance(each, DDBCSystemDescription)]
    if published and not any(each.provides_average_demand_rate_forecast for each in published):
        yield "$", "provides_average_demand_rate_forecast should be true in the system description"


@rule(
    # In 0.0.2-beta the description bears the demand, so there it has to be sent again.
    Rule(
        "R-143",
        "A changed demand is told by a PresentDemandStatus, not by the same description again.",
        "schemas of 1.0.0, DDBC.PresentDemandStatus",
        Severity.WARNING,
        needs_session=True,
    ),
    DDBCSystemDescription,
)
def description_is_another(message: DDBCSystemDescription, situation: Situation) -> Iterator[Breach]:
    if situation.profile is not WireProfile.V1_0_0 or not situation.resource.descriptions:
        return
    # Who tells the demand as it should be told may publish the whole menu again.
    if situation.resource.demand is not None:
        return
    *_, last = situation.resource.descriptions
    # One that takes effect before the last one does is news all the same: it drops that one.
    if isinstance(last, DDBCSystemDescription) and last.valid_from <= message.valid_from and _same(last, message):
        yield "$", f"says what message {last.message_id} has said; for the demand a PresentDemandStatus should do"


def _same(one: DDBCSystemDescription, other: DDBCSystemDescription) -> bool:
    forecasts = (one.provides_average_demand_rate_forecast, other.provides_average_demand_rate_forecast)
    return forecasts[0] is forecasts[1] and one.actuators == other.actuators


R_144 = declare(
    Rule(
        "R-144",
        "Id and supported_commodites are spelled as in the schemas.",
        "schema DDBC.OperationMode, DDBC.ActuatorDescription",
        upheld=Upheld.BY_MODELS,
    )
)


@rule(
    Rule(
        "R-145",
        "The description comes before the statuses of its actuators and timers.",
        "schema DDBC.SystemDescription; S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    DDBCActuatorStatus,
    DDBCTimerStatus,
)
def description_comes_first(_: DDBCActuatorStatus | DDBCTimerStatus, situation: Situation) -> Iterator[Breach]:
    if not situation.resource.descriptions.were_given:
        yield "$", "a DDBC.SystemDescription should be sent before"


@rule(
    Rule(
        "R-146",
        "A mode is addressed together with its own actuator, since its id is unique only there.",
        "schema DDBC.OperationMode",
        Severity.WARNING,
        needs_session=True,
    ),
    DDBCInstruction,
)
def mode_goes_with_its_actuator(message: DDBCInstruction, situation: Situation) -> Iterator[Breach]:
    owners = {
        machine.id
        for description in situation.resource.descriptions
        if isinstance(description, DDBCSystemDescription)
        for machine in description.actuators
        if has_mode(machine, message.operation_mode_id)
    }
    if owners and message.actuator_id not in owners:
        yield "$.actuator_id", f"mode {message.operation_mode_id} is one of {' and '.join(sorted(owners))}"
