"""The largest frames that mean something: valid messages that fill a frame, each against the heaviest state there is.

Names are as short as the standard allows, so that as much as possible fits into a frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from s2.events import MessageReceived
from s2.messages import CommodityQuantity, EnergyManagementRole
from s2.strictness import STRICT, Strictness
from tests.soak.mutants import LARGEST_FRAME
from tests.soak.stages import ALLOWANCES, Stage, Step
from tests.support.s2_samples import LATER, NOW, sample
from tests.support.s2_sessions import CEM, RM, stamp

_QUANTITIES = tuple(CommodityQuantity)
_SHORT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SPAN = {"start_of_range": 0, "end_of_range": 1}

_Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Worst:
    """A frame, who hears it under which control type, and what was heard (or, as ("say", ...), said) before it."""

    name: str
    role: EnergyManagementRole
    family: str
    frame: _Document
    before: tuple[tuple[str, _Document], ...] = ()
    valid: bool = True
    allowed: Strictness = STRICT

    @property
    def text(self) -> str:
        return json.dumps(self.frame, separators=(",", ":"))

    def stage(self) -> Stage:
        """The session that is about to hear the frame. Raises where it did not take in what comes before."""
        stage = Stage.opened(self.role, self.family, self.allowed)
        for number, (action, document) in enumerate(self.before):
            named = document | {"message_id": f"before-{number}"}
            _, events = stage.do(Step(action, json.dumps(named, separators=(",", ":"))))
            taken = any(isinstance(event, MessageReceived) for event in events)
            if not (taken or named["message_id"] in stage.own_ids):
                raise ValueError(f"{self.name}: {named['message_type']} was not taken in")
        return stage


def worst_frames() -> list[Worst]:
    return [
        *_descriptions(),
        *_after_descriptions(),
        *_profiles(),
        *_envelopes(),
        *_forecasts(),
        *_others(),
        *_faulty(),
    ]


def _descriptions() -> Iterable[Worst]:
    shapes = {
        "modes": {"actuators": 10, "modes": 100, "elements": 4},
        "elements": {"actuators": 1, "modes": 50, "elements": 85},
        "transitions": {"actuators": 7, "modes": 100, "transitions": 1000},
        "timers": {"actuators": 10, "modes": 2, "timers": 1000},
        "started timers": {"actuators": 1, "modes": 20, "transitions": 360, "timers": 1000, "each": 240},
    }
    for name, sizes in shapes.items():
        yield Worst(f"FRBC {name}", CEM, "FRBC", frbc(**sizes))
        yield Worst(f"DDBC {name}", CEM, "DDBC", ddbc(**sizes))
    yield Worst("OMBC modes and transitions", CEM, "OMBC", ombc(modes=100, transitions=1000, timers=1000))
    yield Worst("OMBC started timers", CEM, "OMBC", ombc(modes=40, transitions=150, timers=1000, each=600))


def _after_descriptions() -> Iterable[Worst]:
    """Small messages that look things up in the largest descriptions."""
    for family, build in (("FRBC", frbc), ("DDBC", ddbc)):
        large = build(actuators=1, modes=60, transitions=360, timers=1000, each=240)
        actuator, target = names(1)[0], names(60)[-1]
        mode_key = "operation_mode" if family == "FRBC" else "operation_mode_id"
        status = sample(
            f"{family}.ActuatorStatus",
            actuator_id=actuator,
            active_operation_mode_id=names(2)[1],
            previous_operation_mode_id=names(1)[0],
        )
        instruction = sample(f"{family}.Instruction", actuator_id=actuator, execution_time=stamp(60))
        instruction[mode_key] = target
        timer = sample(f"{family}.TimerStatus", actuator_id=actuator, timer_id=names(1000)[-1])
        yield Worst(f"{family} status", CEM, family, status, (("hear", large),))
        yield Worst(f"{family} timer", CEM, family, timer, (("hear", large),))
        yield Worst(f"{family} instruction", RM, family, instruction, (("say", large), ("say", status)))
        yield Worst(f"{family} replaced", CEM, family, large, (("hear", large), ("hear", status)))
    modes = frbc(actuators=1, modes=50, elements=85)
    yield Worst("FRBC level", CEM, "FRBC", sample("FRBC.StorageStatus"), (("hear", modes),))
    yield Worst("FRBC leakage", CEM, "FRBC", _leakage(), (("hear", modes),))
    yield Worst("FRBC targets", CEM, "FRBC", _targets(), (("hear", modes),))


def _profiles() -> Iterable[Worst]:
    definitions = {
        "containers": profile(containers=1000, sequences=2, elements=1),
        "sequences": profile(containers=10, sequences=288, elements=1),
        "elements": profile(containers=20, sequences=2, elements=200),
        "values": profile(containers=1, sequences=4, elements=288, values=10),
    }
    for name, definition in definitions.items():
        yield Worst(f"PPBC {name}", CEM, "PPBC", definition)
        status = _profile_status(definition)
        yield Worst(f"PPBC status of {name}", CEM, "PPBC", status, (("hear", definition),))
        yield Worst(f"PPBC status of {name}, again", CEM, "PPBC", status, (("hear", definition), ("hear", status)))
        last = definition["power_sequences_containers"][-1]
        instruction = sample(
            "PPBC.ScheduleInstruction",
            power_profile_id=definition["id"],
            sequence_container_id=last["id"],
            power_sequence_id=last["power_sequences"][-1]["id"],
            execution_time=stamp(3600),
        )
        yield Worst(f"PPBC instruction among {name}", RM, "PPBC", instruction, (("say", definition), ("say", status)))


def _envelopes() -> Iterable[Worst]:
    ranges = [
        {"commodity_quantity": quantity, "limit_type": kind, "range_boundary": bounds, "abnormal_condition_only": False}
        for quantity in _QUANTITIES
        for number in range(5)
        for kind, bounds in (
            ("UPPER_LIMIT", {"start_of_range": number * 10, "end_of_range": number * 10 + 15}),
            ("LOWER_LIMIT", {"start_of_range": -number * 10 - 15, "end_of_range": -number * 10}),
        )
    ]
    constraints = sample("PEBC.PowerConstraints", allowed_limit_ranges=ranges, valid_from=NOW, valid_until=LATER)
    energy = [
        ("say", sample("PEBC.EnergyConstraint", id=f"energy-{number}", commodity_quantity=quantity))
        for number, quantity in enumerate(_QUANTITIES * 10)
    ]
    for name, upper, lower in (("kept", 55, -55), ("broken", 1000, -1000), ("upside down", -5, 5)):
        instruction = sample(
            "PEBC.Instruction", execution_time=stamp(60), power_envelopes=_power_envelopes(upper, lower)
        )
        before = (("say", constraints), *energy)
        yield Worst(f"PEBC envelopes {name}", RM, "PEBC", instruction, before)
    yield Worst("PEBC ranges", CEM, "PEBC", constraints)
    alike = [each | {"commodity_quantity": _QUANTITIES[0]} for each in ranges]
    envelopes = [each | {"commodity_quantity": _QUANTITIES[0]} for each in _power_envelopes(55, -55)]
    instruction = sample("PEBC.Instruction", execution_time=stamp(60), power_envelopes=envelopes)
    constraints |= {"allowed_limit_ranges": alike}
    yield Worst("PEBC one quantity", RM, "PEBC", instruction, (("say", constraints),))


def _power_envelopes(upper: float, lower: float) -> list[_Document]:
    return [
        {
            "id": f"envelope-{number}",
            "commodity_quantity": quantity,
            "power_envelope_elements": [
                {"duration": 60_000 + step, "upper_limit": upper, "lower_limit": lower} for step in range(288)
            ],
        }
        for number, quantity in enumerate(_QUANTITIES)
    ]


def _forecasts() -> Iterable[Worst]:
    bands = sample("PowerForecast")["elements"][0]["power_values"][0]
    elements = [
        {"duration": 900_000, "power_values": [bands | {"commodity_quantity": each} for each in _QUANTITIES]}
    ] * 288
    yield Worst("PowerForecast", CEM, "FRBC", sample("PowerForecast", elements=elements))
    upside_down = bands | {"value_lower_limit": 1e6, "value_upper_limit": -1e6}
    elements = [
        {"duration": 900_000, "power_values": [upside_down | {"commodity_quantity": each} for each in _QUANTITIES]}
    ] * 288
    yield Worst("PowerForecast upside down", CEM, "FRBC", sample("PowerForecast", elements=elements))
    for message_type in ("FRBC.UsageForecast", "DDBC.AverageDemandRateForecast"):
        whole = sample(message_type)
        yield Worst(message_type, CEM, message_type[:4], whole | {"elements": whole["elements"] * 288})
    measured = [{"commodity_quantity": quantity, "value": 1.5} for quantity in _QUANTITIES]
    yield Worst("PowerMeasurement", CEM, "FRBC", sample("PowerMeasurement", values=measured))


def _others() -> Iterable[Worst]:
    versions = [f"0.{number}" for number in range(LARGEST_FRAME // 12)]
    yield Worst("Handshake versions", CEM, "", sample("Handshake", supported_protocol_versions=versions))
    yield Worst("Handshake version", CEM, "", sample("Handshake", supported_protocol_versions=["9" * 1_000_000]))
    for text in ("x" * 1_000_000, "\\" * 500_000, "é" * 170_000):
        yield Worst(f"label of {text[0]}", RM, "OMBC", sample("SessionRequest", diagnostic_label=text))
        yield Worst(f"answer of {text[0]}", CEM, "OMBC", sample("ReceptionStatus", diagnostic_label=text))
    yield Worst("name", CEM, "FRBC", sample("ResourceManagerDetails", name="x" * 1_000_000))


def _faulty() -> Iterable[Worst]:
    """Frames that cost most to refuse, or to read without what is unknown in them."""
    measured = {"commodity_quantity": "ELECTRIC.POWER.L1", "value": 1.5}
    unknown = sample("PowerMeasurement") | {f"k{number}": 1 for number in range(80_000)}
    many = sample("PowerMeasurement", values=[measured] * 18_000)
    crowded, spoilt = (frbc(actuators=10, modes=100, elements=4) for _ in range(2))
    for description, fault in ((crowded, {"extra": 1}), (spoilt, {"extra": 1, "fill_rate": "fast"})):
        for actuator in description["actuators"]:
            for mode in actuator["operation_modes"]:
                mode["elements"][0] |= fault
    for manner, allowed in zip(("strictly", "leniently"), ALLOWANCES, strict=True):
        frames = {"unknown keys": unknown, "too many values": many, "crowded modes": crowded, "spoilt modes": spoilt}
        for name, frame in frames.items():
            yield Worst(f"{name}, {manner}", CEM, "FRBC", frame, valid=False, allowed=allowed)


def names(number: int) -> list[str]:
    """Different ids, as short as can be: of two characters as long as there are such, then of three."""
    two = [a + b for a in _SHORT for b in _SHORT]
    return two[:number] if number <= len(two) else [*two, *(f"{each}a" for each in two)][:number]


def frbc(*, actuators: int, modes: int, elements: int = 1, **machine: int) -> _Document:
    share = 100 / elements
    made = [
        {
            "fill_level_range": {"start_of_range": number * share, "end_of_range": (number + 1) * share},
            "fill_rate": _SPAN,
            "power_ranges": [_SPAN | {"commodity_quantity": "ELECTRIC.POWER.L1"}],
        }
        for number in range(elements)
    ]
    described = [
        {
            "id": actuator,
            "supported_commodities": ["ELECTRICITY"],
            "operation_modes": [
                {"id": mode, "elements": made, "abnormal_condition_only": False} for mode in names(modes)
            ],
            **_machine(modes, **machine),
        }
        for actuator in names(actuators)
    ]
    return sample("FRBC.SystemDescription", actuators=described)


def ddbc(*, actuators: int, modes: int, elements: int = 1, **machine: int) -> _Document:
    """As large as its twin; what there is in levels there, is powers here."""
    powers = [_SPAN | {"commodity_quantity": quantity} for quantity in _QUANTITIES[: min(2 * elements, 10)]]
    described = [
        {
            "id": actuator,
            "supported_commodites": ["ELECTRICITY"],
            "operation_modes": [
                {"Id": mode, "power_ranges": powers, "supply_range": _SPAN, "abnormal_condition_only": False}
                for mode in names(modes)
            ],
            **_machine(modes, **machine),
        }
        for actuator in names(actuators)
    ]
    return sample("DDBC.SystemDescription", actuators=described)


def ombc(*, modes: int, **machine: int) -> _Document:
    powers = [_SPAN | {"commodity_quantity": quantity} for quantity in _QUANTITIES]
    described = [{"id": mode, "power_ranges": powers, "abnormal_condition_only": False} for mode in names(modes)]
    return sample("OMBC.SystemDescription", operation_modes=described, **_machine(modes, **machine))


def _machine(modes: int, *, transitions: int = 0, timers: int = 0, each: int = 0) -> _Document:
    """Transitions between different modes; `each` of them starts so many timers and is blocked by as many."""
    mode_ids, timer_ids = names(modes), names(timers)
    ways = [(start, end) for start in mode_ids for end in mode_ids if start != end][:transitions]
    return {
        "transitions": [
            {
                "id": way_id,
                "from": start,
                "to": end,
                "start_timers": timer_ids[:each],
                "blocking_timers": timer_ids[timers - each :],
                "abnormal_condition_only": False,
            }
            for way_id, (start, end) in zip(names(len(ways)), ways, strict=True)
        ],
        "timers": [{"id": timer_id, "duration": 1000} for timer_id in timer_ids],
    }


def profile(*, containers: int, sequences: int, elements: int, values: int = 1) -> _Document:
    powers = [{"value_expected": 1, "commodity_quantity": quantity} for quantity in _QUANTITIES[:values]]
    described = [
        {
            "id": container,
            "power_sequences": [
                {
                    "id": sequence,
                    "elements": [{"duration": 1000, "power_values": powers}] * elements,
                    "is_interruptible": True,
                    "max_pause_before": 0,
                    "abnormal_condition_only": False,
                }
                for sequence in names(sequences)
            ],
        }
        for container in names(containers)
    ]
    end = stamp(timedelta(days=2).total_seconds())
    return sample("PPBC.PowerProfileDefinition", power_sequences_containers=described, end_time=end)


def _profile_status(definition: _Document) -> _Document:
    told = [
        {
            "power_profile_id": definition["id"],
            "sequence_container_id": container["id"],
            "selected_sequence_id": container["power_sequences"][-1]["id"],
            "progress": 10,
            "status": "EXECUTING" if container is definition["power_sequences_containers"][0] else "NOT_SCHEDULED",
        }
        for container in definition["power_sequences_containers"]
    ]
    return sample("PPBC.PowerProfileStatus", sequence_container_status=told)


def _leakage() -> _Document:
    share = 100 / 288
    elements = [
        {"fill_level_range": {"start_of_range": n * share, "end_of_range": (n + 1) * share}, "leakage_rate": 0.1}
        for n in range(288)
    ]
    return sample("FRBC.LeakageBehaviour", elements=elements)


def _targets() -> _Document:
    whole = sample("FRBC.FillLevelTargetProfile")
    return whole | {"elements": whole["elements"] * 288}
