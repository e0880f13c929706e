"""What may be said when, and by whom.

Theory of operation. An S2 session is one conversation over one connection. It starts in NEGOTIATING, where the two
sides exchange Handshakes and the CEM answers with the version it chose; a session that S2 Connect prepared skips
this state. It then is UNCONTROLLED: the RM describes itself, measures and forecasts, and the CEM may select a control
type. Each of the five control types is a state that adds the messages of its family for both sides. NO_SELECTION and
NOT_CONTROLABLE lead back to UNCONTROLLED, and so do new ResourceManagerDetails, since the CEM has to select again.
CLOSED is final; nothing survives into the next connection.

    NEGOTIATING ──HandshakeResponse──▶ UNCONTROLLED ◀──SelectControlType──▶ PEBC │ PPBC │ OMBC │ FRBC │ DDBC
         │                                  ▲──────────ResourceManagerDetails──────────┘
         └──────────────── any state ──SessionRequest──▶ CLOSED

A message in the wrong state or from the wrong side is answered INVALID_CONTENT and has no effect; the session goes on
(R-11, R-12). This module knows both sides of the conversation and not which of them we are: the Session looks up
what its peer may send and what itself may send in the same table.

Source: the state table of S2 Connect ("State of communication"), with three additions. RevokeObject is open to the
CEM too, because the revokable objects include instructions, which only a CEM creates. DDBC.PresentDemandStatus, which
that table forgot, is allowed where DDBC is active. NEGOTIATING is what the bare WebSocket binding adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from s2.messages import ControlType, EnergyManagementRole


class SessionState(Enum):
    NEGOTIATING = "negotiating"
    UNCONTROLLED = "uncontrolled"
    PEBC = "PEBC"
    PPBC = "PPBC"
    OMBC = "OMBC"
    FRBC = "FRBC"
    DDBC = "DDBC"
    CLOSED = "closed"

    # The table is looked up for every message, and Enum would compute the hash of the name in Python each time.
    __hash__ = object.__hash__


Permissions = Mapping[SessionState, frozenset[str]]

_ALWAYS = ("SessionRequest", "ReceptionStatus")

_CEM_OPEN = (*_ALWAYS, "SelectControlType")
_CEM_CONTROLLING = (*_CEM_OPEN, "RevokeObject")

_RM_OPEN = (*_ALWAYS, "ResourceManagerDetails", "PowerMeasurement", "PowerForecast")
_RM_CONTROLLED = (*_RM_OPEN, "InstructionStatusUpdate", "RevokeObject")


def _table(rows: Mapping[SessionState, Iterable[str]]) -> Permissions:
    return {state: frozenset(rows[state]) for state in SessionState}


#: THE TABLE: what each side may send in each state, by message type.
PERMITTED: Mapping[EnergyManagementRole, Permissions] = {
    EnergyManagementRole.CEM: _table(
        {
            SessionState.NEGOTIATING: (*_ALWAYS, "Handshake", "HandshakeResponse"),
            SessionState.UNCONTROLLED: _CEM_OPEN,
            SessionState.PEBC: (*_CEM_CONTROLLING, "PEBC.Instruction"),
            SessionState.PPBC: (
                *_CEM_CONTROLLING,
                "PPBC.ScheduleInstruction",
                "PPBC.StartInterruptionInstruction",
                "PPBC.EndInterruptionInstruction",
            ),
            SessionState.OMBC: (*_CEM_CONTROLLING, "OMBC.Instruction"),
            SessionState.FRBC: (*_CEM_CONTROLLING, "FRBC.Instruction"),
            SessionState.DDBC: (*_CEM_CONTROLLING, "DDBC.Instruction"),
            SessionState.CLOSED: (),
        }
    ),
    EnergyManagementRole.RM: _table(
        {
            SessionState.NEGOTIATING: (*_ALWAYS, "Handshake"),
            SessionState.UNCONTROLLED: _RM_OPEN,
            SessionState.PEBC: (*_RM_CONTROLLED, "PEBC.PowerConstraints", "PEBC.EnergyConstraint"),
            SessionState.PPBC: (*_RM_CONTROLLED, "PPBC.PowerProfileDefinition", "PPBC.PowerProfileStatus"),
            SessionState.OMBC: (*_RM_CONTROLLED, "OMBC.SystemDescription", "OMBC.Status", "OMBC.TimerStatus"),
            SessionState.FRBC: (
                *_RM_CONTROLLED,
                "FRBC.SystemDescription",
                "FRBC.ActuatorStatus",
                "FRBC.StorageStatus",
                "FRBC.TimerStatus",
                "FRBC.LeakageBehaviour",
                "FRBC.UsageForecast",
                "FRBC.FillLevelTargetProfile",
            ),
            SessionState.DDBC: (
                *_RM_CONTROLLED,
                "DDBC.SystemDescription",
                "DDBC.ActuatorStatus",
                "DDBC.TimerStatus",
                "DDBC.AverageDemandRateForecast",
                "DDBC.PresentDemandStatus",
            ),
            SessionState.CLOSED: (),
        }
    ),
}

_STATE_OF: Mapping[ControlType, SessionState] = {
    ControlType.POWER_ENVELOPE_BASED_CONTROL: SessionState.PEBC,
    ControlType.POWER_PROFILE_BASED_CONTROL: SessionState.PPBC,
    ControlType.OPERATION_MODE_BASED_CONTROL: SessionState.OMBC,
    ControlType.FILL_RATE_BASED_CONTROL: SessionState.FRBC,
    ControlType.DEMAND_DRIVEN_BASED_CONTROL: SessionState.DDBC,
    ControlType.NOT_CONTROLABLE: SessionState.UNCONTROLLED,
    ControlType.NO_SELECTION: SessionState.UNCONTROLLED,
}


def state_under(control_type: ControlType) -> SessionState:
    """The state that selecting this control type leads to."""
    return _STATE_OF[control_type]


def permits(state: SessionState, sender: EnergyManagementRole, message_type: str) -> bool:
    return message_type in PERMITTED[sender][state]


def senders_of(message_type: str) -> frozenset[EnergyManagementRole]:
    """Who may send this type in some state; tells a wrong direction (R-11) from a wrong moment (R-12)."""
    return frozenset(
        role for role, permissions in PERMITTED.items() if any(message_type in types for types in permissions.values())
    )


def states_for(sender: EnergyManagementRole, message_type: str) -> tuple[SessionState, ...]:
    """The states in which this side may send this type, for telling a peer what would be right."""
    return tuple(state for state, types in PERMITTED[sender].items() if message_type in types)
