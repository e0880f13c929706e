"""What a CEM and an RM might say and what might happen to it, as hypothesis strategies for scripts (see `s2_line`).

Most of it is right in some state and wrong in others; the sessions say what they may.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from s2.messages import EnergyManagementRole, InstructionStatus
from tests.support.s2_line import LAST, Action
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CEM, CONTROLLED, MENU, RM, text

FAMILIES = sorted(CONTROLLED)

_moments = st.sampled_from([-60, 0, 3, 30]).map(lambda seconds: timedelta(seconds=seconds))
_modes = st.sampled_from(["mode-on", "mode-off"])
_factors = st.sampled_from([0, 0.5, 1])
_instruction_ids = st.integers(0, 14).map(lambda number: f"i-{number}")
_constraints_ids = st.sampled_from(["constraints-1", "constraints-2"])
_profile_ids = st.sampled_from(["profile-1", "profile-2"])
_status = st.fixed_dictionaries(
    {
        "active_operation_mode_id": _modes,
        "operation_mode_factor": _factors,
        "transition_timestamp": st.just(timedelta()),
    }
)
_now = st.just(timedelta())
_timer = st.fixed_dictionaries({"finished_at": st.sampled_from([-10, 5, 400]).map(lambda s: timedelta(seconds=s))})
_description = st.fixed_dictionaries({"valid_from": _moments})


def _revocations(types: Sequence[str], ids: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"object_type": st.sampled_from(types), "object_id": ids})


def _mode_instruction(mode_key: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"id": _instruction_ids, mode_key: _modes, "operation_mode_factor": _factors, "execution_time": _moments}
    )


_sequence_instruction = st.fixed_dictionaries(
    {"id": _instruction_ids, "power_profile_id": _profile_ids, "execution_time": _moments}
)

_details = st.fixed_dictionaries(
    {"available_control_types": st.lists(st.sampled_from(ALL_CONTROL_TYPES), min_size=1, max_size=5, unique=True)}
)

#: What an RM may say under each control type, by message type, with what may vary.
_OFFERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "PEBC": {
        "PEBC.PowerConstraints": st.fixed_dictionaries({"id": _constraints_ids, "valid_from": _moments}),
        "PEBC.EnergyConstraint": st.fixed_dictionaries({"id": _constraints_ids, "valid_from": _moments}),
    },
    "PPBC": {
        "PPBC.PowerProfileDefinition": st.fixed_dictionaries({"id": _profile_ids}),
        "PPBC.PowerProfileStatus": st.just({}),
    },
    "OMBC": {"OMBC.SystemDescription": _description, "OMBC.Status": _status, "OMBC.TimerStatus": _timer},
    "FRBC": {
        "FRBC.SystemDescription": _description,
        "FRBC.ActuatorStatus": _status,
        "FRBC.TimerStatus": _timer,
        "FRBC.StorageStatus": st.fixed_dictionaries({"present_fill_level": st.sampled_from([0, 42.5, 100])}),
        "FRBC.LeakageBehaviour": st.fixed_dictionaries({"valid_from": _moments}),
        "FRBC.UsageForecast": st.fixed_dictionaries({"start_time": _moments}),
        "FRBC.FillLevelTargetProfile": st.fixed_dictionaries({"start_time": _moments}),
    },
    "DDBC": {
        "DDBC.SystemDescription": _description,
        "DDBC.ActuatorStatus": _status,
        "DDBC.TimerStatus": _timer,
        "DDBC.AverageDemandRateForecast": st.fixed_dictionaries({"start_time": _moments}),
    },
}

_INSTRUCTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "PEBC": {
        "PEBC.Instruction": st.fixed_dictionaries(
            {"id": _instruction_ids, "power_constraints_id": _constraints_ids, "execution_time": _moments}
        )
    },
    "PPBC": dict.fromkeys(
        ("PPBC.ScheduleInstruction", "PPBC.StartInterruptionInstruction", "PPBC.EndInterruptionInstruction"),
        _sequence_instruction,
    ),
    "OMBC": {"OMBC.Instruction": _mode_instruction("operation_mode_id")},
    "FRBC": {"FRBC.Instruction": _mode_instruction("operation_mode")},
    "DDBC": {"DDBC.Instruction": _mode_instruction("operation_mode_id")},
}

_REVOCABLE = {
    "PEBC": (("PEBC.PowerConstraints", "PEBC.EnergyConstraint"), _constraints_ids),
    "PPBC": (("PPBC.PowerProfileDefinition",), _profile_ids),
    **{family: ((f"{family}.SystemDescription",), st.just(LAST)) for family in ("OMBC", "FRBC", "DDBC")},
}

_update = st.fixed_dictionaries(
    {
        "instruction_id": _instruction_ids,
        "status_type": st.sampled_from([each.value for each in InstructionStatus]),
        "timestamp": _now,
    }
)


def _sayings(role: EnergyManagementRole, phrases: dict[str, st.SearchStrategy[Any]]) -> list[st.SearchStrategy[Action]]:
    return [st.tuples(st.just("say"), st.just(role), st.just(name), changes) for name, changes in phrases.items()]


def sayings(family: str) -> st.SearchStrategy[Action]:
    """What either side may say under this control type."""
    types, ids = _REVOCABLE[family]
    rm = {
        **_OFFERS[family],
        "InstructionStatusUpdate": _update,
        "RevokeObject": _revocations(types, ids),
        "PowerMeasurement": st.just({}),
        "PowerForecast": st.fixed_dictionaries({"start_time": _moments}),
        "ResourceManagerDetails": _details,
    }
    cem = {
        **_INSTRUCTIONS[family],
        "RevokeObject": _revocations(tuple(_INSTRUCTIONS[family]), _instruction_ids),
        "SelectControlType": st.just({"control_type": CONTROLLED[family].value}),
    }
    return st.one_of(*_sayings(RM, rm), *_sayings(CEM, cem))


#: Selections of any control type, the end of one included, details that offer other ones, and fresh starts in order.
turns: st.SearchStrategy[Action] = st.one_of(
    *_sayings(
        CEM,
        {
            "SelectControlType": st.fixed_dictionaries(
                {"control_type": st.sampled_from([*ALL_CONTROL_TYPES, "NO_SELECTION"])}
            )
        },
    ),
    *_sayings(RM, {"ResourceManagerDetails": _details}),
    *(st.tuples(st.just("open"), st.just(family)) for family in FAMILIES),
)

_sides = st.sampled_from([CEM, RM])

#: What a line does that works, but takes its time.
delays: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.just("carry"), _sides, st.sampled_from([1, 2, 1000])),
    st.tuples(st.just("carry"), _sides, st.just(1000)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 3.0])),
)

#: A side that acts first and answers then lets some of its answers go.
late_answers: st.SearchStrategy[Action] = st.tuples(st.just("release"), _sides, st.sampled_from([1, 3, 1000]))

#: A side that cannot store anything for a while.
troubles: st.SearchStrategy[Action] = st.tuples(st.just("available"), _sides, st.sampled_from([False, True, True]))

_GARBAGE = ["", "[]", "{}", "nul", '{"a":1e999}', '{"message_type":"PowerMeasurement","message_id":"m-1"}']
_FROM_CEM = ["FRBC.Instruction", "OMBC.Instruction", "HandshakeResponse", "SelectControlType"]


def _illegal(side: EnergyManagementRole) -> st.SearchStrategy[Action]:
    """What the receiver refuses: no message at all, or one that is not for the other side to send."""
    wrong_way = _FROM_CEM if side is CEM else ["PowerMeasurement", *(each for menu in MENU.values() for each in menu)]
    wrong = st.sampled_from(wrong_way).map(text)
    return st.tuples(st.just("inject"), st.just(side), st.one_of(st.sampled_from(_GARBAGE), wrong))


#: What a line must not do.
faults: st.SearchStrategy[Action] = st.one_of(
    st.tuples(st.sampled_from(["drop", "duplicate"]), _sides),
    st.tuples(st.just("wait"), st.just(11.0)),
    _illegal(CEM),
    _illegal(RM),
)

partings: st.SearchStrategy[Action] = st.tuples(st.just("say"), _sides, st.just("SessionRequest"), st.just({}))


def scripts(*kinds: st.SearchStrategy[Action], least: int = 10, most: int = 60) -> st.SearchStrategy[list[Action]]:
    """Scripts in which all kinds of actions occur alike, however many each of them has."""
    return st.lists(st.sampled_from(kinds).flatmap(lambda kind: kind), min_size=least, max_size=most)
