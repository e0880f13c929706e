"""What a home's power adds up to: energy, money, and how long the main fuse was overloaded."""

from __future__ import annotations

from dataclasses import dataclass

from flexhub.demo.physics.states import state

WH_PER_KWH = 1000


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices in EUR per kWh by the hour of the local day; a negative export price is paid by the home."""

    import_eur_per_kwh: tuple[float, ...]
    export_eur_per_kwh: tuple[float, ...]

    @property
    def mean_import_eur_per_kwh(self) -> float:
        return sum(self.import_eur_per_kwh) / len(self.import_eur_per_kwh)


@dataclass(frozen=True, slots=True)
class Interval:
    """The home during `dt_s` seconds of constant power, + = import.

    `reducible_w` is by how much an energy manager could have lowered `net_w` with what the devices offered then.
    """

    dt_s: float
    hour: int
    net_w: float
    pv_w: float  # produced, positive
    pv_available_w: float
    reducible_w: float


@dataclass(slots=True)
class Accounts:
    """Sums over intervals; exact, because power is constant within each."""

    tariff: Tariff
    fuse_limit_w: float
    export_limit_w: float | None = None
    import_wh: float = state(0.0)
    export_wh: float = state(0.0)
    cost_eur: float = state(0.0)
    pv_wh: float = state(0.0)
    pv_available_wh: float = state(0.0)
    self_consumed_wh: float = state(0.0)
    overrun_s: float = state(0.0)
    longest_overrun_s: float = state(0.0)
    longest_avoidable_overrun_s: float = state(0.0)
    longest_export_overrun_s: float = state(0.0)
    _overrun_now_s: float = state(0.0)
    _avoidable_now_s: float = state(0.0)
    _export_overrun_now_s: float = state(0.0)

    def add(self, interval: Interval) -> None:
        hours = interval.dt_s / 3600
        imported_w, exported_w = max(0.0, interval.net_w), max(0.0, -interval.net_w)
        self.import_wh += imported_w * hours
        self.export_wh += exported_w * hours
        self.cost_eur += hours / WH_PER_KWH * imported_w * self.tariff.import_eur_per_kwh[interval.hour]
        self.cost_eur -= hours / WH_PER_KWH * exported_w * self.tariff.export_eur_per_kwh[interval.hour]
        self.pv_wh += interval.pv_w * hours
        self.pv_available_wh += interval.pv_available_w * hours
        # All that left the home counts as solar, also what a battery gave back: storing it only to sell it is no use.
        self.self_consumed_wh = max(0.0, self.pv_wh - self.export_wh)
        self._add_overruns(interval)

    def _add_overruns(self, interval: Interval) -> None:
        """A streak is avoidable while the fuse is overloaded and the flexibility on offer would have relieved it."""
        over = interval.net_w > self.fuse_limit_w
        avoidable = over and interval.net_w - interval.reducible_w <= self.fuse_limit_w
        exporting = self.export_limit_w is not None and -interval.net_w > self.export_limit_w
        self._overrun_now_s = self._overrun_now_s + interval.dt_s if over else 0.0
        self._avoidable_now_s = self._avoidable_now_s + interval.dt_s if avoidable else 0.0
        self._export_overrun_now_s = self._export_overrun_now_s + interval.dt_s if exporting else 0.0
        self.overrun_s += interval.dt_s if over else 0.0
        self.longest_overrun_s = max(self.longest_overrun_s, self._overrun_now_s)
        self.longest_avoidable_overrun_s = max(self.longest_avoidable_overrun_s, self._avoidable_now_s)
        self.longest_export_overrun_s = max(self.longest_export_overrun_s, self._export_overrun_now_s)
