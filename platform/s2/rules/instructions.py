"""Rules that hold for instructions of every control type, and for what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from s2.descriptions import Machine
from s2.findings import Severity
from s2.ledger import TERMINAL, regresses
from s2.messages import (
    DDBCInstruction,
    EnergyManagementRole,
    FRBCInstruction,
    Instruction,
    InstructionStatusUpdate,
    OMBCInstruction,
    PEBCInstruction,
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
    RevokeObject,
    message_type_of,
)
from s2.resource import actuator_of
from s2.rules.registry import Breach, Rule, Situation, rule

ModeInstruction = OMBCInstruction | FRBCInstruction | DDBCInstruction
ProfileInstruction = PPBCScheduleInstruction | PPBCStartInterruptionInstruction | PPBCEndInterruptionInstruction

MODE_INSTRUCTIONS = (OMBCInstruction, FRBCInstruction, DDBCInstruction)
PROFILE_INSTRUCTIONS = (PPBCScheduleInstruction, PPBCStartInterruptionInstruction, PPBCEndInterruptionInstruction)
INSTRUCTIONS = (PEBCInstruction, *PROFILE_INSTRUCTIONS, *MODE_INSTRUCTIONS)


def moment_of(instruction: Instruction, now: datetime) -> datetime:
    """When the instruction is carried out: at its execution time, or as soon as possible when that is past (R-41)."""
    return max(now, instruction.execution_time)


def mode_named_by(instruction: ModeInstruction) -> str:
    """The instructed mode; FRBC calls the field differently from OMBC and DDBC."""
    return instruction.operation_mode if isinstance(instruction, FRBCInstruction) else instruction.operation_mode_id


def machine_for(instruction: ModeInstruction, situation: Situation) -> Machine | None:
    moment = moment_of(instruction, situation.now)
    return situation.resource.machine_at(actuator_of(instruction), moment)


@rule(
    Rule("R-34", "An instruction id is used once in a session.", "schema, id of instructions", needs_session=True),
    *INSTRUCTIONS,
)
def instruction_id_is_new(message: Instruction, situation: Situation) -> Iterator[Breach]:
    if situation.ledger.knows(message.id):
        yield "$.id", f"{message.id} was used before in this session"


@rule(
    Rule(
        "R-35",
        "A status update names an instruction of this session by its id.",
        "schema InstructionStatusUpdate",
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def update_names_an_instruction(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    if not situation.ledger.knows(message.instruction_id):
        yield "$.instruction_id", "should be the id (not the message_id) of an instruction of this session"


@rule(
    # Only a warning: refusing the second report would not undo what the device did.
    Rule(
        "R-36",
        "An instruction ends in exactly one terminal status.",
        "TOML InstructionStatusUpdate",
        Severity.WARNING,
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def one_end_only(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    entry = situation.ledger.get(message.instruction_id)
    if entry is None or entry.ended_locally or entry.status not in TERMINAL or message.status_type not in TERMINAL:
        return
    yield "$.status_type", f"the instruction had already ended as {entry.status.value}"


@rule(
    Rule(
        "R-37",
        "A status moves forwards, and none follows a terminal one.",
        "s2-kit S2-INST-003",
        Severity.WARNING,
        needs_session=True,
    ),
    InstructionStatusUpdate,
)
def status_moves_forwards(message: InstructionStatusUpdate, situation: Situation) -> Iterator[Breach]:
    entry = situation.ledger.get(message.instruction_id)
    if entry is not None and entry.status is not None and regresses(entry, message.status_type):
        yield "$.status_type", f"{message.status_type.value} should not follow {entry.status.value}"


@rule(
    Rule(
        "R-44",
        "An instruction is based on a description, constraint or profile that is in force.",
        "schema, instructions",
        needs_session=True,
    ),
    *MODE_INSTRUCTIONS,
    *PROFILE_INSTRUCTIONS,
)
def offer_is_in_force(message: ModeInstruction | ProfileInstruction, situation: Situation) -> Iterator[Breach]:
    if isinstance(message, PROFILE_INSTRUCTIONS):
        if message.power_profile_id not in situation.resource.profiles:
            yield "$.power_profile_id", f"no profile {message.power_profile_id} is published"
    elif situation.resource.description_at(moment_of(message, situation.now)) is None:
        yield "$", "no system description is in force"


_INSTRUCTION_TYPES = frozenset(message_type_of(each) for each in INSTRUCTIONS)


@rule(
    # A warning even in a strict session. To revoke constraints that have run out, or an offer that went with its
    # control type while the message was under way, has no effect and is no mistake; and such an object looks like one
    # that never was.
    Rule(
        "R-45",
        "An object is revoked by the side that published it, and exists.",
        "s2-kit S2-REV-001, S2-REV-002",
        Severity.WARNING,
        needs_session=True,
    ),
    RevokeObject,
)
def revoked_object_exists(message: RevokeObject, situation: Situation) -> Iterator[Breach]:
    instructs = message.object_type in _INSTRUCTION_TYPES
    owner = EnergyManagementRole.CEM if instructs else EnergyManagementRole.RM
    if situation.sender is not owner:
        yield "$.object_type", f"a {message.object_type.value} belongs to the {owner.value}"
    if not _is_known(message, situation):
        yield "$.object_id", f"no {message.object_type.value} of this id is in force"


def _is_known(message: RevokeObject, situation: Situation) -> bool:
    if message.object_type in _INSTRUCTION_TYPES:
        return situation.ledger.knows(message.object_id)
    former = situation.resource.descriptions.former
    if former is not None and (former.message_type, former.message_id) == (message.object_type, message.object_id):
        return True
    return situation.resource.knows(message.object_type, message.object_id)
