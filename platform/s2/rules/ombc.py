"""Rules for Operation Mode Based Control. What FRBC and DDBC have as well is in `modes`, `transitions`, `statuses`."""

from __future__ import annotations

from collections.abc import Iterator

from s2.findings import Severity
from s2.messages import OMBCInstruction, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus
from s2.resource import actuator_of
from s2.rules.modes import is_due
from s2.rules.references import any_has_mode, unresolved
from s2.rules.registry import Breach, Rule, Situation, rule


@rule(
    Rule(
        "R-110",
        "The description comes before the status of the device and of its timers.",
        "S2 documentation, operation modes",
        Severity.WARNING,
        needs_session=True,
    ),
    OMBCStatus,
    OMBCTimerStatus,
)
def description_comes_first(_: OMBCStatus | OMBCTimerStatus, situation: Situation) -> Iterator[Breach]:
    if not situation.resource.descriptions.were_given:
        yield "$", "an OMBC.SystemDescription should be sent before"


@rule(
    # Known at all, in whatever description was published; that it is in force at that time is R-51.
    Rule("R-111", "The instructed mode is known.", "s2-kit S2-OMBC-001", needs_session=True),
    OMBCInstruction,
)
def instructed_mode_is_known(message: OMBCInstruction, situation: Situation) -> Iterator[Breach]:
    missing = unresolved(message, situation)
    if missing is not None and not missing.published:
        yield "$.operation_mode_id", f"{message.operation_mode_id} is no operation mode of this device"


@rule(Rule("R-112", "A status names a known mode.", "schema OMBC.Status", needs_session=True), OMBCStatus)
def device_is_in_a_known_mode(message: OMBCStatus, situation: Situation) -> Iterator[Breach]:
    machines = situation.resource.published_machines(actuator_of(message))
    if machines is not None and not any_has_mode(machines, message.active_operation_mode_id):
        yield "$.active_operation_mode_id", f"{message.active_operation_mode_id} is no operation mode here"


@rule(
    Rule("R-113", "Each mode of the device has an id of its own.", "schema OMBC.OperationMode"), OMBCSystemDescription
)
def mode_ids_are_unique(message: OMBCSystemDescription, _: Situation) -> Iterator[Breach]:
    seen: set[str] = set()
    for index, mode in enumerate(message.operation_modes):
        if mode.id in seen:
            yield f"$.operation_modes[{index}].id", f"{mode.id} is the id of another mode already"
        seen.add(mode.id)


@rule(
    Rule(
        "R-114",
        "A mode holds until the next instruction or the device's own change, so none is said again.",
        "S2 documentation, control types",
        Severity.WARNING,
        needs_session=True,
    ),
    OMBCInstruction,
)
def instruction_is_not_repeated(message: OMBCInstruction, situation: Situation) -> Iterator[Breach]:
    present = situation.resource.activity_before(actuator_of(message), situation.now)
    if present is None or message.abnormal_condition or not is_due(message, situation.now):
        return
    if (present.mode_id, present.factor) != (message.operation_mode_id, message.operation_mode_factor):
        return
    # With another one open, this may be to keep the device where it is.
    if not any(isinstance(entry.instruction, OMBCInstruction) for entry in situation.ledger.open_entries()):
        yield "$.operation_mode_id", f"the device is in mode {present.mode_id} at this factor, and stays there"
