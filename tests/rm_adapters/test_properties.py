"""Whatever a CEM does within its menu, and whatever goes wrong below, a hosted RM keeps to the protocol.

Nothing raises, the session refuses to send nothing, nothing is written twice for one instruction, each instruction of a
session comes to one end, and in the end the device is its own master again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rm_adapters.vendors.simulator.cloud import Fault
from s2.events import MessageRefused
from s2.ledger import TERMINAL
from s2.messages import (
    ControlType,
    Instruction,
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from s2.versions import WireProfile
from tests.rm_adapters.hosted_home import CONTROL_TYPES, Home
from tests.rm_adapters.instructing import charge, heat, limit, run_part, supply
from tests.support.s2_sessions import try_to_send

_KINDS = (PPBCScheduleInstruction, PPBCStartInterruptionInstruction, PPBCEndInterruptionInstruction)

actions = st.lists(
    st.one_of(
        st.tuples(st.just("instruct"), st.integers(0, 5), st.integers(0, 4)),
        st.tuples(st.just("instruct"), st.integers(0, 5), st.integers(0, 4)),
        st.tuples(st.just("instruct"), st.integers(0, 5), st.integers(0, 4)),
        st.tuples(st.just("revoke"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 7, 61, 400, 4000]), st.just(0)),
        st.tuples(
            st.just("fault"),
            st.sampled_from([each for each in Fault if each is not Fault.UNAUTHORISED]),
            st.integers(1, 4),
        ),
        st.tuples(st.sampled_from(["select", "deselect", "reconnect", "crash", "fill"]), st.just(0), st.just(0)),
    ),
    min_size=10,
    max_size=30,
)


def instruction_for(home: Home, choice: int, size: int) -> Instruction:
    """One of the things that the device offers; some for later, some that it will have to refuse."""
    later = home.now + timedelta(minutes=3 * size) if choice == 5 else None
    match home.kind:
        case "battery":
            return charge(home, ("charge", "idle", "discharge")[choice % 3], size / 4, at=later)
        case "roof":
            return limit(home, (2 + size, 500.0 * choice), (5, 300.0), at=later)
        case "heater":
            return heat(home, ("off", "on", "boost")[choice % 3], at=later, abnormal=size == 4)
        case "hybrid":
            unit = ("heat pump", "gas boiler")[choice % 2]
            return supply(home, unit, ("off", "on")[size % 2], choice / 5 if size % 2 else 0.0)
    return run_part(home, choice % 2, kind=_KINDS[choice // 2 % 3], after=timedelta(minutes=size))


class Script:
    """Plays actions on a home, each by the method of its name."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.told: list[Instruction] = []

    def play(self, actions: list[tuple[Any, ...]]) -> None:
        for name, first, second in actions:
            getattr(self, name)(first, second)
            self.home.deliver()
            self.home.run_due()

    def instruct(self, choice: int, size: int) -> None:
        if "description" not in self.home.row["link"]["published"]:
            return
        instruction = instruction_for(self.home, choice, size)
        try_to_send(self.home.cem, instruction, self.home.now)
        if self.home.cem.ledger.knows(instruction.id):
            self.told.append(instruction)

    def revoke(self, back: int, _: int) -> None:
        if back < len(self.told) and self.home.cem.control_type is CONTROL_TYPES[self.home.kind]:
            self.home.revoke(self.told[-1 - back])

    def wait(self, seconds: int, _: int) -> None:
        self.home.wait(seconds=seconds)

    def fault(self, fault: Fault, times: int) -> None:
        self.home.order(*[fault] * times)

    def select(self, *_: int) -> None:
        self._select(CONTROL_TYPES[self.home.kind])

    def deselect(self, *_: int) -> None:
        self._select(ControlType.NO_SELECTION)

    def _select(self, control_type: ControlType) -> None:
        if self.home.cem.resource.details is not None:
            self.home.select(control_type)

    def reconnect(self, *_: int) -> None:
        self.home.disconnect()
        self.home.wait(seconds=20)
        self.home.connect()
        self.told.clear()

    def crash(self, *_: int) -> None:
        self.home.crashes += 1

    def fill(self, *_: int) -> None:
        self.home.cloud.fill_washer("washer", self.home.now + timedelta(hours=5))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(CONTROL_TYPES)), st.sampled_from(list(WireProfile)), actions)
def test_keeps_to_the_protocol_whatever_happens(kind: str, profile: WireProfile, script: list[tuple[Any, ...]]) -> None:
    home = Home(kind, profile=profile).select()

    Script(home).play(script)
    home.crashes = 0
    home.cloud.faults.clear()
    home.wait(hours=9 if kind == "washer" else 3)  # A program that was paused ends late.
    open_entries = [each for each in home.cem.ledger.open_entries() if each.status not in TERMINAL]
    home.disconnect()
    home.wait(minutes=10)

    assert open_entries == []
    assert [event for event in home.cem_events if isinstance(event, MessageRefused)] == []
    home.check_writes()
    assert home.row["write"] is None
    assert not home.row["releasing"]
    assert home.row["in_force"] == {}
    readings = home.machine.readings()
    assert readings.get("setting", "auto") == "auto"
    assert readings.get("mode", "auto") == "auto" or kind == "heater"
    assert readings.get("limit_w") is None
