"""A home as physics: its devices, what comes from outside, and the accounts of both.

The same class is the home under control and its shadows, which nobody ever controls: a twin whose battery idles, and
one whose battery follows a meter of its own. All are fed the same `Cell` objects, so that they differ in nothing but
what the devices were told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flexhub.demo.accounts import Accounts, Interval
from flexhub.demo.physics.battery import Battery
from flexhub.demo.physics.cell import CELL_S, Cell, cell_start
from flexhub.demo.physics.dishwasher import Dishwasher
from flexhub.demo.physics.ev import EV
from flexhub.demo.physics.heatpump import HeatPump
from flexhub.demo.physics.pv import PV
from flexhub.demo.physics.states import read_state, restore_state


class Device(Protocol):
    """What every simulated device offers; see `flexhub.demo.physics`."""

    controlled: bool

    def begin(self, cell: Cell) -> None: ...

    def power_w(self, cell: Cell, dt_s: float) -> float: ...

    def step(self, cell: Cell, dt_s: float) -> float: ...

    def minimum_w(self, cell: Cell, dt_s: float) -> float: ...


class Surroundings(Protocol):
    """Where cells come from."""

    def cell(self, start_s: float) -> Cell: ...


@dataclass(slots=True)
class Household:
    """Devices of one home and their sums. `net_w` and `powers_w` hold for the present part of the present cell.

    `unreachable` are the kinds that no energy manager could have told anything: they offer nothing meanwhile.
    With `battery_has_meter` a battery that nobody controls takes what the home has left over and covers what it draws.
    """

    accounts: Accounts
    pv: PV | None = None
    battery: Battery | None = None
    ev: EV | None = None
    heat_pump: HeatPump | None = None
    dishwasher: Dishwasher | None = None
    net_w: float = 0.0
    powers_w: dict[str, float] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    battery_has_meter: bool = False

    def devices(self) -> dict[str, Device]:
        """The battery comes last, because its meter counts all the others."""
        every: dict[str, Device | None] = {
            "PV": self.pv,
            "EV_CHARGER": self.ev,
            "HEAT_PUMP": self.heat_pump,
            "DISHWASHER": self.dishwasher,
            "BATTERY": self.battery,
        }
        return {kind: device for kind, device in every.items() if device is not None}

    def begin(self, cell: Cell) -> None:
        for device in self.devices().values():
            device.begin(cell)

    def step(self, cell: Cell, dt_s: float) -> None:
        """Let `dt_s` seconds of the cell pass."""
        net_w, reducible_w, pv_w = cell.load_w, 0.0, 0.0
        for kind, device in self.devices().items():
            self._read_meter(device, net_w)
            minimum_w = device.minimum_w(cell, dt_s)
            power_w = device.step(cell, dt_s)
            net_w += power_w
            reducible_w += 0.0 if kind in self.unreachable else max(0.0, power_w - minimum_w)
            pv_w -= power_w if kind == "PV" else 0.0
        available_w = cell.pv_available_w if self.pv is not None else 0.0
        self.accounts.add(Interval(dt_s, cell.hour, net_w, pv_w, available_w, reducible_w))

    def look(self, cell: Cell, dt_s: float) -> None:
        """See what every device draws from now on, without letting time pass."""
        self.net_w = cell.load_w
        for kind, device in self.devices().items():
            self._read_meter(device, self.net_w)
            self.powers_w[kind] = device.power_w(cell, dt_s)
            self.net_w += self.powers_w[kind]

    def _read_meter(self, device: Device, others_w: float) -> None:
        if self.battery_has_meter and device is self.battery:
            self.battery.metered_w = -others_w

    def stored_wh(self) -> float:
        """Electricity that the storages hold, or that it took to fill them."""
        return sum(each.stored_wh for each in (self.battery, self.ev, self.heat_pump) if each is not None)

    def state(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"accounts": self.accounts, **self.devices()}
        return {name: read_state(part) for name, part in parts.items()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        parts: dict[str, Any] = {"accounts": self.accounts, **self.devices()}
        for name, part in parts.items():
            restore_state(part, saved.get(name, {}))


@dataclass(slots=True)
class Households:
    """The home (`on`) and its shadows in the same surroundings, at the same time.

    `off` is left to itself and its battery idles. `metered` is `off` with a battery that follows a meter of its own;
    None where there is no battery, because it would do exactly as `off` does.
    """

    surroundings: Surroundings
    on: Household
    off: Household
    metered: Household | None
    time_s: float
    begin_s: float
    cell: Cell = field(init=False)
    initially_stored_wh: float = field(init=False)

    def __post_init__(self) -> None:
        self.initially_stored_wh = self.on.stored_wh()
        self._begin_cell()
        self.look()

    def advance(self, to_s: float) -> None:
        """Let time pass until `to_s`, with what was ordered so far; a time in the past changes nothing."""
        while self.time_s < to_s:
            until_s = min(to_s, cell_start(self.time_s) + CELL_S)
            rest, dt_s = self.cell.rest_from(self.time_s), until_s - self.time_s
            for household in self._all():
                household.step(rest, dt_s)
            self.time_s = until_s
            if cell_start(until_s) > self.cell.start_s:
                self._begin_cell()
        self.look()

    def look(self) -> None:
        """Bring `on.net_w` and `on.powers_w` up to date after an order."""
        self.on.look(self.cell.rest_from(self.time_s), cell_start(self.time_s) + CELL_S - self.time_s)

    def _begin_cell(self) -> None:
        self.cell = self.surroundings.cell(cell_start(self.time_s))
        for household in self._all():
            household.begin(self.cell)

    def _all(self) -> tuple[Household, ...]:
        return (self.on, self.off) if self.metered is None else (self.on, self.off, self.metered)

    def state(self) -> dict[str, Any]:
        return {
            "time_s": self.time_s,
            "begin_s": self.begin_s,
            "initially_stored_wh": self.initially_stored_wh,
            "on": self.on.state(),
            "off": self.off.state(),
            "metered": None if self.metered is None else self.metered.state(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on where `state()` was taken; the devices are as they were, and nobody controls them."""
        self.on.restore(saved["on"])
        self.off.restore(saved["off"])
        if self.metered is not None:
            # An earlier release saved no such home; then its battery has its meter from now on.
            self.metered.restore(saved.get("metered") or saved["off"])
        self.time_s, self.begin_s = float(saved["time_s"]), float(saved["begin_s"])
        self.initially_stored_wh = float(saved["initially_stored_wh"])
        self.cell = self.surroundings.cell(cell_start(self.time_s))
        self.look()
