from __future__ import annotations

from dataclasses import dataclass

from cem_service.planners.choices import Choice, ModeOrder, Prices
from cem_service.planners.phase_room import PhaseRoom
from cem_service.planners.settling import Around, settle

PRICES = Prices(buy=0.3, sell=0.05, import_limit_w=5000.0, export_limit_w=5000.0)


@dataclass(frozen=True)
class Switch:
    """On or off; `worth_eur` is what it is worth to be on for the look-ahead."""

    name: str
    power_w: float
    worth_eur: float
    on: bool = True
    turn: int = 0

    @property
    def stay(self) -> Choice:
        return self.choices(0.0)[int(self.on)]

    def choices(self, others_w: float) -> list[Choice]:
        off = Choice(0.0, 0.0, ModeOrder(self.name, "off", 0.0))
        return [off, Choice(self.power_w, -self.worth_eur, ModeOrder(self.name, "on", 0.0))]


def powers(units: list[Switch], base_w: float, *, held_w: list[float] | None = None) -> list[float]:
    held = None if held_w is None else [Choice(power_w, 0.0, None) for power_w in held_w]
    return [choice.power_w for choice in settle(units, Around(base_w, PRICES), held=held)[0]]


def test_the_least_worth_for_its_power_gives_way_to_a_limit() -> None:
    units = [Switch("precious", 3000.0, 5.0), Switch("cheap", 3000.0, 1.0)]

    assert powers(units, 0.0) == [3000.0, 0.0]


def test_what_was_given_up_too_much_is_taken_up_by_others() -> None:
    units = [Switch("large", 4000.0, 1.0), Switch("small", 1500.0, 0.4, on=False), Switch("precious", 3000.0, 9.0)]

    chosen = powers(units, 0.0)

    assert chosen == [0.0, 1500.0, 3000.0]


def test_on_hold_only_a_limit_moves_anybody() -> None:
    worthless = [Switch("worthless", 3000.0, 0.0)]

    assert powers(worthless, 0.0, held_w=[3000.0]) == [3000.0]
    assert powers(worthless, 4000.0, held_w=[3000.0]) == [0.0]


def test_on_hold_a_limit_that_is_being_mended_moves_nobody() -> None:
    units = [Switch("told to stop", 3000.0, 5.0), Switch("worthless", 3000.0, 0.0)]

    assert powers(units, 1000.0, held_w=[0.0, 3000.0]) == [0.0, 3000.0]
    assert powers(units, 3000.0, held_w=[0.0, 3000.0]) == [0.0, 0.0]


def test_a_limit_that_nobody_can_keep_is_approached() -> None:
    assert powers([Switch("only", 3000.0, 5.0)], 9000.0) == [0.0]


def test_two_that_keep_a_limit_only_together_stay_as_they_are_where_one_alone_would_make_it_worse() -> None:
    units = [Switch("taker", 20_000.0, 9.0, on=False), Switch("giver", -13_500.0, 9.0, on=False)]

    assert powers(units, 0.0) == [0.0, 0.0]


@dataclass(frozen=True)
class Empty:
    """A battery that has nothing left, and that says that it goes on giving."""

    turn: int = 0

    @property
    def stay(self) -> Choice:
        return Choice(-3000.0, 0.0, None)

    def choices(self, others_w: float) -> list[Choice]:
        return [Choice(0.0, 0.0, ModeOrder("battery", "idle", 0.0))]


def test_nothing_is_left_as_it_is_that_cannot_go_on() -> None:
    chosen, _ = settle([Empty()], Around(9000.0, PRICES))

    assert [choice.power_w for choice in chosen] == [0.0]


@dataclass(frozen=True)
class Dimmer:
    """In quarters; each one less costs more than the one before."""

    turn: int = 0

    @property
    def stay(self) -> Choice:
        return self.choices(0.0)[-1]

    def choices(self, others_w: float) -> list[Choice]:
        return [Choice(1000.0 * step, (4 - step) ** 2 * 1.0, ModeOrder("dimmer", str(step), 0.0)) for step in range(5)]


def test_what_cannot_keep_a_limit_gives_all_that_it_has_for_it() -> None:
    unit = Dimmer()

    chosen, _ = settle([unit], Around(9000.0, PRICES), held=[unit.stay])

    assert chosen[0].power_w == 0.0


def test_the_phase_that_is_full_is_relieved_by_who_is_on_it() -> None:
    on_first, on_second = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    units = [Switch("cheap", 2000.0, 0.5), Switch("precious", 2000.0, 5.0)]
    room = PhaseRoom((1000.0, 0.0, 0.0), [on_second, on_first], draws_w=2500.0, feeds_w=2500.0)

    chosen, wanted = settle(units, Around(1000.0, PRICES, room))

    assert [choice.power_w for choice in wanted] == [2000.0, 2000.0]
    assert [choice.power_w for choice in chosen] == [2000.0, 0.0]
