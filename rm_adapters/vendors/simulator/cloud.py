"""The cloud of the simulated vendor, in memory: what an adapter would reach over HTTP.

Its answers are JSON, with units and signs as real clouds have them, so that there is something to convert. A fault that
was ordered strikes the next calls, one each. `dump` and `load` keep all devices in a database row between two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, cast

from pydantic import TypeAdapter

from rm_adapters.vendors.simulator.physics.battery import Battery
from rm_adapters.vendors.simulator.physics.heater import Heater
from rm_adapters.vendors.simulator.physics.hybrid import Hybrid
from rm_adapters.vendors.simulator.physics.roof import Roof
from rm_adapters.vendors.simulator.physics.washer import Washer

Machine = Battery | Roof | Washer | Heater | Hybrid
Answer = dict[str, Any]

_KINDS: Mapping[str, TypeAdapter[Any]] = {
    "battery": TypeAdapter(Battery),
    "roof": TypeAdapter(Roof),
    "washer": TypeAdapter(Washer),
    "heater": TypeAdapter(Heater),
    "hybrid": TypeAdapter(Hybrid),
}


class Fault(StrEnum):
    """What goes wrong with one call."""

    OVERLOADED = "overloaded"  # nothing happens, 503
    TIMEOUT = "timeout"  # nothing happens, and nobody knows
    LOST_ANSWER = "lost answer"  # a write has its effect, and nobody knows
    OFFLINE = "offline"  # the device does not answer its cloud
    OLD_READING = "old reading"  # the reading before comes again, with its old time
    REFUSED = "refused"  # 200, and a no in the body
    UNAUTHORISED = "unauthorised"


class CloudError(Exception):
    """An answer other than 200; without status there was none."""

    def __init__(self, status: int | None) -> None:
        super().__init__("no answer" if status is None else f"HTTP {status}")
        self.status = status


@dataclass(slots=True)
class SimulatedCloud:
    """Machines by key. `clock` tells the time; `written` is the journal of the settings that had their effect."""

    clock: Callable[[], datetime]
    machines: dict[str, Machine] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    written: list[tuple[datetime, str, Answer]] = field(default_factory=list)
    _last: dict[str, Answer] = field(default_factory=dict)

    _STATUSES: ClassVar[Mapping[Fault, int | None]] = {
        Fault.OVERLOADED: 503,
        Fault.TIMEOUT: None,
        Fault.UNAUTHORISED: 401,
    }

    @classmethod
    def street(cls, clock: Callable[[], datetime]) -> SimulatedCloud:
        """One device of each kind, as of now."""
        now = clock()
        washer = Washer(at=now, filled_at=now, ready_by=now + timedelta(hours=8))
        machines = {
            "battery": Battery(at=now),
            "roof": Roof(at=now),
            "washer": washer,
            "heater": Heater(at=now),
            "hybrid": Hybrid(at=now),
        }
        return cls(clock, cast("dict[str, Machine]", machines))

    def order(self, faults: Iterable[Fault]) -> None:
        self.faults += faults

    def devices(self) -> list[Answer]:
        """What the account holds, with the ratings of each."""
        self._strike()
        return [
            {"id": key, "kind": kind_of(machine), "ratings": _ratings(machine)}
            for key, machine in self.machines.items()
        ]

    def state(self, key: str) -> Answer:
        """The reading of one device."""
        fault = self._strike()
        if fault is Fault.OLD_READING and key in self._last:
            return self._last[key]
        now = self.clock()
        self.machines[key] = machine = self.machines[key].advance(now)
        answer = {"time": now.isoformat(), "connected": fault is not Fault.OFFLINE, **machine.readings()}
        self._last[key] = answer
        return answer

    def set(self, key: str, setting: Answer) -> Answer:
        """Write one setting. 409 means that the device cannot be reached."""
        fault = self._strike()
        if fault is Fault.OFFLINE:
            raise CloudError(409)
        if fault is Fault.REFUSED:
            return {"result": False, "reason": "not now"}
        now = self.clock()
        self.machines[key] = self.machines[key].told(setting, now)
        self.written.append((now, key, setting))
        if fault is Fault.LOST_ANSWER:
            raise CloudError(None)
        return {"result": True}

    def fill_washer(self, key: str, ready_by: datetime) -> None:
        """The owner fills the machine."""
        washer = self.machines[key]
        if isinstance(washer, Washer):
            self.machines[key] = washer.filled(self.clock(), ready_by)

    def dump(self) -> Answer:
        """The machines as JSON can hold them."""
        return {
            key: {"kind": kind_of(machine), **_KINDS[kind_of(machine)].dump_python(machine, mode="json")}
            for key, machine in self.machines.items()
        }

    @classmethod
    def load(cls, document: Mapping[str, Mapping[str, Any]], clock: Callable[[], datetime]) -> SimulatedCloud:
        machines = {}
        for key, each in document.items():
            fields = {name: value for name, value in each.items() if name != "kind"}
            machines[key] = _KINDS[str(each["kind"])].validate_python(fields)
        return cls(clock, machines)

    def change(self, key: str, **changes: Any) -> None:
        """Something happens to a device that no setting does: somebody opens a window."""
        self.machines[key] = replace(self.machines[key].advance(self.clock()), **changes)

    def _strike(self) -> Fault | None:
        """The fault of this call; those that are an answer in themselves are raised."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault in self._STATUSES:
            raise CloudError(self._STATUSES[fault])
        return fault


def kind_of(machine: Machine) -> str:
    return type(machine).__name__.lower()


def _ratings(machine: Machine) -> Answer:
    match machine:
        case Battery():
            return {"capacity_kwh": machine.capacity_wh / 1000, "power_kw": machine.power_w / 1000, "efficiency": 95}
        case Roof():
            return {"peak_kw": machine.peak_w / 1000}
        case Washer():
            return {
                "parts": {part.name: [list(piece) for piece in part.pieces] for part in (machine.wash, machine.spin)}
            }
        case Heater():
            return {"power": {"off": 0, "on": 1000, "boost": 2000}}
    return {"pump_kw": [2.0, 8.0], "boiler_kw": [3.0, 20.0], "cop": 3.5, "boiler_efficiency": 95}
