"""Rules for every session: form, direction, state, versions and identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from s2.descriptions import Machine
from s2.findings import Severity
from s2.messages import (
    DDBCActuatorDescription,
    DDBCSystemDescription,
    EnergyManagementRole,
    FRBCActuatorDescription,
    FRBCSystemDescription,
    Handshake,
    HandshakeResponse,
    OMBCSystemDescription,
    PEBCInstruction,
    PPBCPowerProfileDefinition,
)
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
        key = "Id" if isinstance(message, DDBCSystemDescription) and path.endswith(".operation_modes") else "id"
        for index, each in enumerate(ids):
            if each in seen:
                yield f"{path}[{index}].{key}", f"{each} is used twice; each id may occur once here"
            seen.add(each)


def _id_groups(message: _Identified) -> Iterator[tuple[str, list[str]]]:
    match message:
        case OMBCSystemDescription():
            # Its modes have a number of their own, R-113.
            yield from _part_id_groups("$", message)
        case FRBCSystemDescription() | DDBCSystemDescription():
            actuators: tuple[FRBCActuatorDescription | DDBCActuatorDescription, ...] = message.actuators
            yield "$.actuators", [each.id for each in actuators]
            for index, actuator in enumerate(actuators):
                where = f"$.actuators[{index}]"
                yield f"{where}.operation_modes", [each.id for each in actuator.operation_modes]
                yield from _part_id_groups(where, actuator)
        case PPBCPowerProfileDefinition():
            path = "$.power_sequences_containers"
            yield path, [each.id for each in message.power_sequences_containers]
            for index, container in enumerate(message.power_sequences_containers):
                yield f"{path}[{index}].power_sequences", [each.id for each in container.power_sequences]
        case PEBCInstruction():
            yield "$.power_envelopes", [each.id for each in message.power_envelopes]


def _part_id_groups(path: str, machine: Machine) -> Iterator[tuple[str, list[str]]]:
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
R_09 = declare(Rule("R-09", "Objects have no unknown keys.", "schema", upheld=Upheld.BY_MODELS, softens=True))
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
        needs_session=True,
        upheld=Upheld.BY_SESSION,
        softens=True,
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
