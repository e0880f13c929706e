"""Rules for every session: form, direction, state, versions, identifiers and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s2.findings import Severity
from s2.messages import (
    ControlType,
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    EnergyManagementRole,
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCSystemDescription,
    Handshake,
    HandshakeResponse,
    NumberRange,
    OMBCInstruction,
    OMBCStatus,
    OMBCSystemDescription,
    PEBCInstruction,
    PEBCPowerConstraints,
    PPBCPowerProfileDefinition,
    SelectControlType,
)
from s2.resource import Machine
from s2.rules.registry import Breach, Rule, Situation, Upheld, declare, rule
from s2.versions import WireProfile

_Identified = (
    OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription | PPBCPowerProfileDefinition | PEBCInstruction
)

R_01 = declare(
    Rule(
        "R-01",
        "Every message except ReceptionStatus is answered with exactly one ReceptionStatus.",
        "TOML ReceptionStatus",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)
R_02 = declare(
    Rule(
        "R-02",
        "A ReceptionStatus names a message of the receiver, and is itself never acknowledged.",
        "TOML ReceptionStatus",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)
R_03 = declare(
    Rule(
        "R-03",
        "A message is a JSON object in a text frame that follows the schema of its message_type.",
        "schema ReceptionStatusValues",
        upheld=Upheld.BY_MODELS,
    )
)
R_04 = declare(
    Rule(
        "R-04",
        "After PERMANENT_ERROR the connection ends; after TEMPORARY_ERROR the same message is sent again.",
        "schema ReceptionStatusValues",
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)
R_05 = declare(Rule("R-05", "An id has 2 to 64 of a-z A-Z 0-9 - _ and :.", "schema ID", upheld=Upheld.BY_MODELS))


@rule(
    Rule("R-06", "Ids are unique where they are looked up.", "schema, each id field"),
    OMBCSystemDescription,
    FRBCSystemDescription,
    DDBCSystemDescription,
    PPBCPowerProfileDefinition,
    PEBCInstruction,
)
def ids_are_unique(message: _Identified, _: Situation) -> Iterator[Breach]:
    for path, ids in _id_groups(message):
        seen: set[str] = set()
        for index, each in enumerate(ids):
            if each in seen:
                yield f"{path}[{index}].id", f"{each} is used twice; each id may occur once here"
            seen.add(each)


def _id_groups(message: _Identified) -> Iterator[tuple[str, list[str]]]:
    match message:
        case OMBCSystemDescription():
            yield from _machine_id_groups("$", message)
        case FRBCSystemDescription() | DDBCSystemDescription():
            actuators: tuple[FRBCActuatorDescription | DDBCActuatorDescription, ...] = message.actuators
            yield "$.actuators", [each.id for each in actuators]
            for index, actuator in enumerate(actuators):
                yield from _machine_id_groups(f"$.actuators[{index}]", actuator)
        case PPBCPowerProfileDefinition():
            path = "$.power_sequences_containers"
            yield path, [each.id for each in message.power_sequences_containers]
            for index, container in enumerate(message.power_sequences_containers):
                yield f"{path}[{index}].power_sequences", [each.id for each in container.power_sequences]
        case PEBCInstruction():
            yield "$.power_envelopes", [each.id for each in message.power_envelopes]


def _machine_id_groups(path: str, machine: Machine) -> Iterator[tuple[str, list[str]]]:
    yield f"{path}.operation_modes", [each.id for each in machine.operation_modes]
    yield f"{path}.transitions", [each.id for each in machine.transitions]
    yield f"{path}.timers", [each.id for each in machine.timers]


R_07 = declare(
    Rule(
        "R-07",
        "A message_id is not used again for another message.",
        "s2-kit S2-MSG-002",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)
R_08 = declare(Rule("R-08", "Arrays have the allowed number of items.", "schema", upheld=Upheld.BY_MODELS))
R_09 = declare(Rule("R-09", "Objects have no unknown keys.", "schema", upheld=Upheld.BY_MODELS))
R_10 = declare(Rule("R-10", "Numbers are finite.", "s2-kit S2-NUM-001", upheld=Upheld.BY_MODELS))
R_11 = declare(
    Rule(
        "R-11",
        "A message is sent only by the side that the standard names for it.",
        "S2 Connect, state of communication",
        upheld=Upheld.BY_SESSION,
    )
)
R_12 = declare(
    Rule(
        "R-12",
        "A message is sent only in a state that permits it.",
        "S2 Connect, state of communication",
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)
R_13 = declare(
    Rule(
        "R-13",
        "Under S2 Connect, which agreed the version before, there is no Handshake.",
        "S2 Connect, JSON messages",
        Severity.WARNING,
        needs_session=True,
        upheld=Upheld.BY_SESSION,
    )
)


@rule(
    Rule("R-14", "A Handshake names its sender's side, and an RM lists its versions.", "schema Handshake"),
    Handshake,
)
def handshake_introduces(message: Handshake, situation: Situation) -> Iterator[Breach]:
    if message.role is not situation.sender:
        yield "$.role", f"should be {situation.sender.value}, the other side of this connection"
    elif message.role is EnergyManagementRole.RM and not message.supported_protocol_versions:
        yield "$.supported_protocol_versions", "an RM has to list its versions"


@rule(
    Rule("R-15", "The version is one that both sides know.", "TOML HandshakeResponse", needs_session=True),
    Handshake,
    HandshakeResponse,
)
def version_is_known(message: Handshake | HandshakeResponse, situation: Situation) -> Iterator[Breach]:
    theirs: tuple[str, ...]
    if isinstance(message, HandshakeResponse):
        path, theirs = "$.selected_protocol_version", (message.selected_protocol_version,)
    else:
        path, theirs = "$.supported_protocol_versions", message.supported_protocol_versions or ()
    if theirs and not any(WireProfile.of(each) in situation.versions for each in theirs):
        yield path, f"we speak {', '.join(situation.versions)}"


R_16 = declare(
    Rule(
        "R-16",
        "Messages follow the version that was agreed.",
        "S2 Connect, versioning",
        needs_session=True,
        upheld=Upheld.BY_MODELS,
    )
)


@rule(
    Rule("R-17", "Ranges of limits, levels and demands start at or below their end.", "schema, those fields"),
    PEBCPowerConstraints,
    FRBCSystemDescription,
    FRBCFillLevelTargetProfile,
    DDBCSystemDescription,
    DDBCPresentDemandStatus,
)
def ranges_are_ordered(
    message: PEBCPowerConstraints
    | FRBCSystemDescription
    | FRBCFillLevelTargetProfile
    | DDBCSystemDescription
    | DDBCPresentDemandStatus,
    _: Situation,
) -> Iterator[Breach]:
    ranges: Iterable[tuple[str, NumberRange | None]]
    match message:
        case PEBCPowerConstraints(allowed_limit_ranges=allowed):
            ranges = ((f"$.allowed_limit_ranges[{i}].range_boundary", r.range_boundary) for i, r in enumerate(allowed))
        case FRBCFillLevelTargetProfile(elements=elements):
            ranges = ((f"$.elements[{i}].fill_level_range", each.fill_level_range) for i, each in enumerate(elements))
        case FRBCSystemDescription():
            ranges = (("$.storage.fill_level_range", message.storage.fill_level_range),)
        case _:
            ranges = (("$.present_demand_rate", message.present_demand_rate),)
    for path, span in ranges:
        if span is not None and span.start_of_range > span.end_of_range:
            yield path, f"start {span.start_of_range:g} should not be above end {span.end_of_range:g}"


@rule(
    Rule("R-18", "A band of fill levels starts below its end.", "schema FRBC.OperationModeElement"),
    FRBCSystemDescription,
    FRBCLeakageBehaviour,
)
def bands_are_not_empty(message: FRBCSystemDescription | FRBCLeakageBehaviour, _: Situation) -> Iterator[Breach]:
    if isinstance(message, FRBCLeakageBehaviour):
        bands = [(f"$.elements[{i}]", each.fill_level_range) for i, each in enumerate(message.elements)]
    else:
        bands = [
            (f"$.actuators[{a}].operation_modes[{m}].elements[{e}]", element.fill_level_range)
            for a, actuator in enumerate(message.actuators)
            for m, mode in enumerate(actuator.operation_modes)
            for e, element in enumerate(mode.elements)
        ]
    for path, band in bands:
        if band.start_of_range >= band.end_of_range:
            yield f"{path}.fill_level_range", f"start {band.start_of_range:g} should be below end {band.end_of_range:g}"


R_19 = declare(
    Rule(
        "R-19",
        "Ranges that go with the operation mode factor, and running costs, may run downwards.",
        "schema PowerRange",
        upheld=Upheld.BY_PERMITTING,
    )
)

_Factored = OMBCInstruction | FRBCInstruction | DDBCInstruction | OMBCStatus | FRBCActuatorStatus | DDBCActuatorStatus


@rule(
    Rule("R-20", "An operation mode factor lies in [0, 1].", "schema, operation_mode_factor"),
    OMBCInstruction,
    FRBCInstruction,
    DDBCInstruction,
    OMBCStatus,
    FRBCActuatorStatus,
    DDBCActuatorStatus,
)
def factor_is_a_share(message: _Factored, _: Situation) -> Iterator[Breach]:
    if not 0.0 <= message.operation_mode_factor <= 1.0:
        yield "$.operation_mode_factor", f"{message.operation_mode_factor:g} should lie in [0, 1]"


@rule(
    Rule(
        "R-24", "The CEM selects a control type that the details offer.", "schema SelectControlType", needs_session=True
    ),
    SelectControlType,
)
def selection_is_offered(message: SelectControlType, situation: Situation) -> Iterator[Breach]:
    details = situation.resource.details
    if details is None:
        yield "$", "select after the RM has sent its ResourceManagerDetails"
    elif message.control_type not in (*details.available_control_types, ControlType.NO_SELECTION):
        yield "$.control_type", f"should be one of {', '.join(details.available_control_types)}"
