"""What the site draws apart from the resources that we steer, as far as it is known right now.

The meter and the devices report at different moments, and an instruction may lie between two reports. Taking a device's
new power off a meter reading from before it changed would invent a load, or a surplus, of the whole difference; the
next decision would follow it, and the site would swing. So each power taken off is the one at the time of the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cem_service.domain.decision import LastInstruction
from cem_service.domain.phases import PhasePowers
from cem_service.domain.resource import Resource
from cem_service.domain.site import SiteState

# How long an instruction may take until the device's own reports show its effect. After that the device is believed.
SETTLES_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Balance:
    """`base_w` is the power of all that is not steered, `net_w` that of the whole site, in W.

    `unsure` are the resources of which the meter reading may or may not hold the effect of what they were told. While
    there are any, only a limit that is broken, and stays so by what they were told, is a reason to act.
    `phases_w` spreads `base_w` over the phases; None where these have no fuses.
    """

    base_w: float
    net_w: float
    unsure: frozenset[UUID] = frozenset()
    phases_w: PhasePowers | None = None


def balance_site(site: SiteState, last: Mapping[UUID, LastInstruction]) -> Balance:
    steered = [resource for resource in site.resources if resource.controllable]
    now_w = sum(resource.power_w(site.now) or 0.0 for resource in steered)
    if site.main_meter_w is None or site.main_meter_at is None or not site.main_meter_is_recent:
        others_w = sum(resource.power_w(site.now) or 0.0 for resource in site.resources if not resource.controllable)
        return Balance(others_w, others_w + now_w, phases_w=_phases_w(site, others_w, None))
    seen = {one.link_id: _power_at(site.main_meter_at, one, last.get(one.link_id), site.now) for one in steered}
    base_w = site.main_meter_w - sum(power_w for power_w, _ in seen.values())
    unsure = frozenset(link_id for link_id, (_, guessed) in seen.items() if guessed)
    return Balance(
        base_w, base_w + now_w, unsure, _phases_w(site, base_w, {key: one for key, (one, _) in seen.items()})
    )


def _phases_w(site: SiteState, base_w: float, seen_w: Mapping[UUID, float] | None) -> PhasePowers | None:
    """`base_w` on each phase: what the meter reads there less what it has `seen_w` of each steered resource.

    Without such a reading what nobody measures by itself is spread evenly.
    """
    if site.fuse_per_phase_w is None:
        return None
    if seen_w is not None and site.main_meter_phases_w is not None:
        counted, phases_w, sign = seen_w, site.main_meter_phases_w, -1.0
    else:
        counted = {one.link_id: one.power_w(site.now) or 0.0 for one in site.resources if not one.controllable}
        third = (base_w - sum(counted.values())) / 3
        phases_w, sign = (third, third, third), 1.0
    return with_powers(phases_w, [one for one in site.resources if one.link_id in counted], counted, sign)


def with_powers(
    phases_w: PhasePowers, resources: Iterable[Resource], powers_w: Mapping[UUID, float], sign: float = 1.0
) -> PhasePowers:
    """The phases with the powers of these resources added, or with `sign` -1 taken off."""
    first, second, third = phases_w
    for one in resources:
        power_w = sign * powers_w[one.link_id]
        first += power_w * one.phase_shares[0]
        second += power_w * one.phase_shares[1]
        third += power_w * one.phase_shares[2]
    return first, second, third


def _power_at(reading: datetime, resource: Resource, last: LastInstruction | None, now: datetime) -> tuple[float, bool]:
    """(the resource's power when the meter was read, whether that is a guess)."""
    now_w = resource.power_w(now) or 0.0
    if last is None:
        return now_w, False
    if reading < last.issued_at:
        # Where the meter speaks late, what was told before may not be in the reading either, and is not known here.
        return last.power_before_w, now - reading > SETTLES_WITHIN
    reported = resource.measured_at
    in_between = reported is not None and last.issued_at <= reported <= reading
    if (in_between and _shows_effect(resource.measured_w, last)) or reading - last.issued_at > SETTLES_WITHIN:
        return now_w, False
    # The larger of the two makes the rest of the site look smaller, so that no limit is acted on twice.
    return max(now_w, last.power_before_w), True


def _shows_effect(measured_w: float | None, last: LastInstruction) -> bool:
    """Whether a report is of the power that was ordered, and not of the one before, sent just before it obeyed."""
    if measured_w is None:
        return False
    return abs(measured_w - last.expected_power_w) <= abs(measured_w - last.power_before_w)
