"""Cases of the rules R-01 to R-16."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from s2.events import CloseRequested
from s2.session import Session
from s2.versions import WireProfile
from tests.support.s2_rule_cases.scenes import RuleCase, Scene, case, edited, heard_by_cem, rm, rules_of
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, Pair, message, new_id, text


def _unacknowledged(answered: bool) -> Scene:
    def play() -> set[str]:
        session = Session(CEM, new_id=new_id)
        session.start(NOW)
        (hello,) = map(json.loads, session.data_to_send())
        if answered:
            session.receive_text(text("ReceptionStatus", subject_message_id=hello["message_id"]), NOW)
        return rules_of(session.tick(NOW + timedelta(seconds=11)))

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
        return rules_of(session.receive_text(text(message_type), NOW))

    return play


def _in_profile(profile: WireProfile) -> Scene:
    def play() -> set[str]:
        session = Session(CEM, new_id=new_id, agreed=profile)
        session.receive_text(
            text("ResourceManagerDetails", available_control_types=["DEMAND_DRIVEN_BASED_CONTROL"]), NOW
        )
        session.send(message("SelectControlType", control_type="DEMAND_DRIVEN_BASED_CONTROL"), NOW)
        return rules_of(session.receive_text(text("DDBC.PresentDemandStatus"), NOW))

    return play


_GOOD = text("PowerMeasurement")


_TIMER = sample("FRBC.SystemDescription")["actuators"][0]["timers"][0]

CASES: Mapping[str, RuleCase] = {
    "R-01": RuleCase(_unacknowledged(answered=False), _unacknowledged(answered=True)),
    "R-02": RuleCase(
        heard_by_cem(text("ReceptionStatus", subject_message_id="never-sent")), _unacknowledged(answered=True)
    ),
    "R-03": RuleCase(heard_by_cem("[1, 2]"), heard_by_cem(_GOOD)),
    "R-04": RuleCase(_told_of_trouble("PERMANENT_ERROR"), _told_of_trouble("OK")),
    "R-05": RuleCase(heard_by_cem(text("FRBC.ActuatorStatus", actuator_id="a b")), heard_by_cem(_GOOD)),
    "R-06": case(
        [edited("FRBC.SystemDescription", "actuators.0.timers", [_TIMER, _TIMER])],
        [edited("FRBC.SystemDescription", "actuators.0.timers", [_TIMER, _TIMER | {"id": "timer-2"}])],
    ),
    "R-07": RuleCase(
        heard_by_cem(
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=2),
        ),
        heard_by_cem(
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
            text("FRBC.StorageStatus", message_id="xxx", present_fill_level=1),
        ),
    ),
    "R-08": RuleCase(heard_by_cem(text("PowerMeasurement", values=[])), heard_by_cem(_GOOD)),
    "R-09": RuleCase(heard_by_cem(text("PowerMeasurement", colour="red")), heard_by_cem(_GOOD)),
    "R-10": RuleCase(
        heard_by_cem(text("FRBC.StorageStatus", present_fill_level=7).replace("7", "1e999")),
        heard_by_cem(text("FRBC.StorageStatus", present_fill_level=7)),
    ),
    "R-11": RuleCase(heard_by_cem(text("FRBC.Instruction")), heard_by_cem(text("FRBC.StorageStatus"))),
    "R-12": RuleCase(heard_by_cem(text("OMBC.Status")), heard_by_cem(text("FRBC.StorageStatus"))),
    "R-13": RuleCase(_under_connect("Handshake"), _under_connect("ResourceManagerDetails")),
    "R-14": case([rm("Handshake", role="CEM")], [rm("Handshake")]),
    "R-15": case(
        [rm("Handshake", supported_protocol_versions=["7.0"])],
        [rm("Handshake", supported_protocol_versions=["7.0", "v1.0.0"])],
    ),
    "R-16": RuleCase(_in_profile(WireProfile.V0_0_2_BETA), _in_profile(WireProfile.V1_0_0)),
}
