"""A home whose CEM dies for good is left to its devices, and a day later no worse than one that never had a CEM."""

from __future__ import annotations

from datetime import timedelta

from flexhub.demo.household import Household
from tests.soak.weeks import START, comfort_missed, config_of, cost_eur, street
from tests.support.faults import DAY, Fault, Trouble
from tests.support.virtual_home import VirtualHome

DIES_AFTER = timedelta(minutes=5)
# What the last orders may cost until they are taken back, at the dearest hour.
TOLERATED_EUR = 0.5


def order_the_worst(home: Household) -> None:
    """As if the CEM's last instructions had been these."""
    assert home.battery and home.ev and home.heat_pump and home.pv  # noqa: PT018 - For the reader it is one condition.
    home.battery.setpoint_w = -home.battery.max_discharge_w
    home.ev.setpoint_w = 0.0
    home.heat_pump.switch(False, 1.0, START.timestamp())
    home.pv.lower_limit_w = 0.0


def test_a_home_whose_cem_dies_at_a_bad_moment_is_as_good_as_one_left_alone() -> None:
    plan = street()[0]
    assert len(plan.devices) == 6
    dead = Fault(Trouble.CEM_STOPPED, DIES_AFTER, timedelta(days=2))
    home = VirtualHome(config_of(plan), START, [dead]).run(DIES_AFTER)
    on, off = home.world.on, home.world.off
    assert all(line.controlling for line in home.lines)
    before_eur = cost_eur(on, off) - cost_eur(off, off)
    order_the_worst(on)

    home.run(DAY)

    assert not any(device.controlled for device in on.devices().values())
    assert comfort_missed(on) <= comfort_missed(off)
    assert cost_eur(on, off) - cost_eur(off, off) <= before_eur + TOLERATED_EUR
    assert on.accounts.longest_overrun_s <= off.accounts.longest_overrun_s
