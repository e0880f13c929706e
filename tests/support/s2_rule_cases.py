"""For every rule of the catalogue a conversation that breaks it and a near one that does not.

A case that a check decides is a list of utterances, of which the last one is judged. A case of a rule that models or
session uphold is a function that plays the scene and returns the numbers of the rules that were found broken.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from s2.conversation import Conversation
from s2.events import AcknowledgementMissing, CloseRequested, Event, MessageReceived, MessageRefused, ReceptionUnmatched
from s2.messages import EnergyManagementRole
from s2.session import Session
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import L1, sample
from tests.support.s2_sessions import CEM, NOW, RM, Pair, conversation, message, new_id, stamp, text

Utterance = tuple[EnergyManagementRole, str, dict[str, Any]]
Scene = Callable[[], set[str]]


@dataclass(frozen=True)
class RuleCase:
    breaks: Scene | None
    keeps: Scene


def _judged(*utterances: Utterance) -> Scene:
    def play() -> set[str]:
        *before, last = utterances
        family = last[1].split(".")[0] if "." in last[1] else "FRBC"
        if last[1] in ("Handshake", "HandshakeResponse"):
            talk = Conversation(ALL_PROFILES, begun=False, crossing_time=timedelta(seconds=10))
        else:
            talk = conversation(family)
        for sender, message_type, changes in before:
            talk.apply(message(message_type, **changes), sender, NOW)
        sender, message_type, changes = last
        return {finding.rule for finding in talk.judge(message(message_type, **changes), sender, NOW)}

    return play


def _case(breaks: list[Utterance], keeps: list[Utterance]) -> RuleCase:
    return RuleCase(_judged(*breaks), _judged(*keeps))


def _rm(message_type: str, **changes: Any) -> Utterance:
    return (RM, message_type, changes)


def _cem(message_type: str, **changes: Any) -> Utterance:
    return (CEM, message_type, changes)


def _edited(message_type: str, path: str, value: object) -> Utterance:
    """The RM's sample with one inner value changed; `path` as in "actuators.0.timers"."""
    document = copy.deepcopy(sample(message_type))
    del document["message_id"], document["message_type"]
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value
    return (RM, message_type, document)


def _range(start: float, end: float) -> dict[str, float]:
    return {"start_of_range": start, "end_of_range": end}


def _limits(*ranges: tuple[str, float, float, bool], **changes: Any) -> Utterance:
    allowed = [
        {
            "commodity_quantity": L1,
            "limit_type": limit_type,
            "range_boundary": _range(start, end),
            "abnormal_condition_only": abnormal,
        }
        for limit_type, start, end, abnormal in ranges
    ]
    return _rm("PEBC.PowerConstraints", allowed_limit_ranges=allowed, **changes)


def _envelopes(*envelopes: tuple[str, float, float], **changes: Any) -> Utterance:
    return _cem(
        "PEBC.Instruction",
        power_envelopes=[
            {
                "id": f"envelope-{index}",
                "commodity_quantity": quantity,
                "power_envelope_elements": [{"duration": 1000, "lower_limit": lower, "upper_limit": upper}],
            }
            for index, (quantity, lower, upper) in enumerate(envelopes)
        ],
        **changes,
    )


def _element(start: float, end: float) -> dict[str, Any]:
    element: dict[str, Any] = sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"][0]["elements"][0]
    return element | {"fill_level_range": _range(start, end)}


def _rules(events: list[Event]) -> set[str]:
    bearers = (MessageReceived, MessageRefused, ReceptionUnmatched, AcknowledgementMissing)
    return {finding.rule for event in events if isinstance(event, bearers) for finding in event.findings}


def _heard_by_cem(*texts: str, family: str | None = "FRBC") -> Scene:
    def play() -> set[str]:
        pair = Pair().open(family)
        events = [event for each in texts for event in pair.cem_hears(each)]
        return _rules(events)

    return play


def _unacknowledged(answered: bool) -> Scene:
    def play() -> set[str]:
        session = Session(CEM, new_id=new_id)
        session.start(NOW)
        (hello,) = map(json.loads, session.data_to_send())
        if answered:
            session.receive_text(text("ReceptionStatus", subject_message_id=hello["message_id"]), NOW)
        return _rules(session.tick(NOW + timedelta(seconds=11)))

    return play


def _told_of_trouble(status: str) -> Scene:
    def play() -> set[str]:
        pair = Pair().open()
        events = pair.cem_hears(text("ReceptionStatus", subject_message_id="anything", status=status))
        return {"R-04" for event in events if isinstance(event, CloseRequested)}

    return play


def _under_connect(message_type: str) -> Scene:
    def play() -> set[str]:
        session = Session(CEM, new_id=new_id, agreed=WireProfile.V1_0_0)
        session.start(NOW)
        return _rules(session.receive_text(text(message_type), NOW))

    return play


def _in_profile(profile: WireProfile) -> Scene:
    def play() -> set[str]:
        session = Session(CEM, new_id=new_id, agreed=profile)
        session.receive_text(
            text("ResourceManagerDetails", available_control_types=["DEMAND_DRIVEN_BASED_CONTROL"]), NOW
        )
        session.send(message("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL"), NOW)
        return _rules(session.receive_text(text("DDBC.PresentDemandStatus"), NOW))

    return play


def _permitted(*utterances: Utterance) -> RuleCase:
    """A permission cannot be broken by a peer, only by us: no rule at all may find what it permits."""
    return RuleCase(breaks=None, keeps=_judged(*utterances))


_MENU_FRBC = _rm("FRBC.SystemDescription")
_MENU_OMBC = _rm("OMBC.SystemDescription")
_IN_MODE_OFF = _rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")
_IN_MODE_ON = _rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")
_INSTRUCTED = _cem("FRBC.Instruction")
_UPPER = ("UPPER_LIMIT", -5000.0, 0.0, False)
_LOWER = ("LOWER_LIMIT", -5000.0, 0.0, False)
_BLOCKED = sample("FRBC.SystemDescription")["actuators"][0]["transitions"][0] | {"blocking_timers": ["timer-on"]}
_BLOCKING = _edited("FRBC.SystemDescription", "actuators.0.transitions", [_BLOCKED])
_TIMER = sample("FRBC.SystemDescription")["actuators"][0]["timers"][0]
_ABNORMAL_MODE = _edited("FRBC.SystemDescription", "actuators.0.operation_modes.1.abnormal_condition_only", True)


def _without(message_type: str, key: str) -> str:
    document = sample(message_type)
    del document[key]
    return json.dumps(document)


def _update(status: str, **changes: Any) -> Utterance:
    return _rm("InstructionStatusUpdate", status_type=status, **changes)


_GOOD = text("PowerMeasurement")

CASES: Mapping[str, RuleCase] = {
    "R-01": RuleCase(_unacknowledged(answered=False), _unacknowledged(answered=True)),
    "R-02": RuleCase(
        _heard_by_cem(text("ReceptionStatus", subject_message_id="never-sent")), _unacknowledged(answered=True)
    ),
    "R-03": RuleCase(_heard_by_cem("[1, 2]"), _heard_by_cem(_GOOD)),
    "R-04": RuleCase(_told_of_trouble("PERMANENT_ERROR"), _told_of_trouble("OK")),
    "R-05": RuleCase(_heard_by_cem(text("FRBC.ActuatorStatus", actuator_id="a b")), _heard_by_cem(_GOOD)),
    "R-06": _case(
        [_edited("FRBC.SystemDescription", "actuators.0.timers", [_TIMER, _TIMER])],
        [_edited("FRBC.SystemDescription", "actuators.0.timers", [_TIMER, _TIMER | {"id": "timer-2"}])],
    ),
    "R-07": RuleCase(
        _heard_by_cem(
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=2),
        ),
        _heard_by_cem(
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
        ),
    ),
    "R-08": RuleCase(_heard_by_cem(text("PowerMeasurement", values=[])), _heard_by_cem(_GOOD)),
    "R-09": RuleCase(_heard_by_cem(text("PowerMeasurement", colour="red")), _heard_by_cem(_GOOD)),
    "R-10": RuleCase(
        _heard_by_cem(text("FRBC.StorageStatus", present_fill_level=7).replace("7", "1e999")),
        _heard_by_cem(text("FRBC.StorageStatus", present_fill_level=7)),
    ),
    "R-11": RuleCase(_heard_by_cem(text("FRBC.Instruction")), _heard_by_cem(text("FRBC.StorageStatus"))),
    "R-12": RuleCase(_heard_by_cem(text("OMBC.Status")), _heard_by_cem(text("FRBC.StorageStatus"))),
    "R-13": RuleCase(_under_connect("Handshake"), _under_connect("ResourceManagerDetails")),
    "R-14": _case([_rm("Handshake", role="CEM")], [_rm("Handshake")]),
    "R-15": _case(
        [_rm("Handshake", supported_protocol_versions=["7.0"])],
        [_rm("Handshake", supported_protocol_versions=["7.0", "v1.0.0"])],
    ),
    "R-16": RuleCase(_in_profile(WireProfile.V0_0_2_BETA), _in_profile(WireProfile.V1_0_0)),
    "R-17": _case(
        [_edited("FRBC.SystemDescription", "storage.fill_level_range", _range(2, 1))],
        [_edited("FRBC.SystemDescription", "storage.fill_level_range", _range(1, 1))],
    ),
    "R-18": _case(
        [_edited("FRBC.LeakageBehaviour", "elements.0.fill_level_range", _range(1, 1))],
        [_edited("FRBC.LeakageBehaviour", "elements.0.fill_level_range", _range(1, 2))],
    ),
    "R-19": _permitted(
        _edited("FRBC.SystemDescription", "actuators.0.operation_modes.0.elements.0.fill_rate", _range(1, -1))
    ),
    "R-20": _case(
        [_MENU_FRBC, _cem("FRBC.Instruction", operation_mode_factor=1.3)],
        [_MENU_FRBC, _cem("FRBC.Instruction", operation_mode_factor=1)],
    ),
    "R-24": _case(
        [_rm("ResourceManagerDetails"), _cem("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL")],
        [_rm("ResourceManagerDetails"), _cem("SelectControlType", control_type="NO_SELECTION")],
    ),
    "R-34": _case(
        [_MENU_FRBC, _INSTRUCTED, _INSTRUCTED], [_MENU_FRBC, _INSTRUCTED, _cem("FRBC.Instruction", id="i-2")]
    ),
    "R-35": _case([_update("STARTED")], [_MENU_FRBC, _INSTRUCTED, _update("STARTED")]),
    "R-36": _case(
        [_MENU_FRBC, _INSTRUCTED, _update("SUCCEEDED"), _update("ABORTED")],
        [_MENU_FRBC, _INSTRUCTED, _update("ABORTED")],
    ),
    "R-37": _case(
        [_MENU_FRBC, _INSTRUCTED, _update("STARTED"), _update("ACCEPTED")],
        [_MENU_FRBC, _INSTRUCTED, _update("ACCEPTED"), _update("STARTED")],
    ),
    "R-38": _case([_ABNORMAL_MODE, _INSTRUCTED], [_ABNORMAL_MODE, _cem("FRBC.Instruction", abnormal_condition=True)]),
    "R-44": _case(
        [_rm("FRBC.SystemDescription", valid_from=stamp(60)), _INSTRUCTED],
        [
            _rm("FRBC.SystemDescription", valid_from=stamp(60)),
            _cem("FRBC.Instruction", execution_time=stamp(60)),
        ],
    ),
    "R-45": _case(
        [_MENU_FRBC, _INSTRUCTED, _cem("RevokeObject", object_id="instruction-2")],
        [_MENU_FRBC, _INSTRUCTED, _cem("RevokeObject", object_id="instruction-1")],
    ),
    "R-50": _case([_edited("FRBC.SystemDescription", "actuators.0.timers", [])], [_MENU_FRBC]),
    "R-51": _case(
        [_MENU_OMBC, _cem("OMBC.Instruction", operation_mode_id="mode-x")], [_MENU_OMBC, _cem("OMBC.Instruction")]
    ),
    "R-52": _case(
        [_MENU_FRBC, _IN_MODE_ON, _cem("FRBC.Instruction", operation_mode="mode-off")],
        [_MENU_FRBC, _IN_MODE_OFF, _INSTRUCTED],
    ),
    "R-53": _permitted(_MENU_FRBC, _IN_MODE_ON, _cem("FRBC.Instruction", operation_mode_factor=0.1)),
    "R-54": _case(
        [_BLOCKING, _IN_MODE_OFF, _rm("FRBC.TimerStatus", finished_at=stamp(60)), _INSTRUCTED],
        [
            _BLOCKING,
            _IN_MODE_OFF,
            _rm("FRBC.TimerStatus", finished_at=stamp(60)),
            _cem("FRBC.Instruction", execution_time=stamp(60)),
        ],
    ),
    "R-70": _case([_limits(_UPPER, _UPPER)], [_limits(_UPPER, _LOWER)]),
    "R-71": _case(
        [_rm("PEBC.PowerConstraints", valid_until=stamp(0))], [_rm("PEBC.PowerConstraints", valid_until=stamp(1))]
    ),
    "R-72": _permitted(_limits(_UPPER, ("UPPER_LIMIT", 1000, 2000, False), _LOWER), _envelopes((L1, -1, 1500))),
    "R-73": _case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, 0, -1))], [_limits(_UPPER, _LOWER), _envelopes((L1, -1, -1))]
    ),
    "R-74": _case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0), (L1, -2, 0))],
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0))],
    ),
    "R-75": _case(
        [_rm("PEBC.PowerConstraints", valid_from=stamp(60)), _cem("PEBC.Instruction")],
        [_rm("PEBC.PowerConstraints", valid_from=stamp(0)), _cem("PEBC.Instruction")],
    ),
    "R-76": _case(
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 1))], [_limits(_UPPER, _LOWER), _envelopes((L1, -5000, -5000))]
    ),
    "R-77": _case(
        [_limits(_UPPER, _LOWER), _envelopes(("ELECTRIC.POWER.L2", -1, 0))],
        [_limits(_UPPER, _LOWER), _envelopes((L1, -1, 0))],
    ),
    "R-120": _case(
        [
            _edited(
                "FRBC.SystemDescription", "actuators.0.operation_modes.0.elements", [_element(0, 50), _element(60, 100)]
            )
        ],
        [
            _edited(
                "FRBC.SystemDescription", "actuators.0.operation_modes.0.elements", [_element(50, 100), _element(0, 50)]
            )
        ],
    ),
    "R-121": _case(
        [
            _rm(
                "FRBC.LeakageBehaviour",
                elements=[
                    {"fill_level_range": _range(0, 6), "leakage_rate": 0},
                    {"fill_level_range": _range(5, 9), "leakage_rate": 0},
                ],
            )
        ],
        [_rm("FRBC.LeakageBehaviour")],
    ),
    "R-56": _case([_MENU_FRBC, _rm("FRBC.TimerStatus", timer_id="timer-x")], [_MENU_FRBC, _rm("FRBC.TimerStatus")]),
    "R-60": _case(
        [_MENU_FRBC, _rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-x")],
        [_MENU_FRBC, _rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")],
    ),
    "R-112": _case(
        [_MENU_OMBC, _rm("OMBC.Status", active_operation_mode_id="mode-x")], [_MENU_OMBC, _rm("OMBC.Status")]
    ),
    "R-122": _case([_MENU_FRBC, _cem("FRBC.Instruction", actuator_id="actuator-2")], [_MENU_FRBC, _INSTRUCTED]),
    "R-123": _case([_MENU_FRBC, _cem("FRBC.Instruction", operation_mode="mode-x")], [_MENU_FRBC, _INSTRUCTED]),
}
