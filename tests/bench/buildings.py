"""Buildings from seeds with all that a home may have, as their devices would describe them, and their rows.

A main meter that only measures, a roof, a battery, a car, a heat pump and a dishwasher, under a fuse that they can
overload together; and the quarter hours of the past week. All synthetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from cem_service.domain.series import Array
from flexhub.bus.ports import WorkerBus
from flexhub.telemetry.quarters import quarter_start
from s2.messages import (
    Commodity,
    ControlType,
    FRBCActuatorDescription,
    FRBCUsageForecast,
    FRBCUsageForecastElement,
    Message,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PowerForecast,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    ResourceManagerDetails,
    Role,
    RoleType,
    Timer,
)
from tests.support import resources as make
from tests.support.scenarios.surroundings import load_w, sun_w

FUSE_W = 9_000
PAST = timedelta(days=7)
_QUARTER = timedelta(minutes=15)
_HOURS = np.arange(96) / 4
_PER_KWH = 100.0 / 3.6e6
# Where nothing else is told: of an offer, and of a role.
_WHOLE = (0.0, 100.0)


@dataclass(frozen=True, slots=True)
class Described:
    """One device: what it has said so far, and its mean power of a day, in W by quarter hours."""

    name: str
    control_type: ControlType
    role: RoleType
    messages: Sequence[Message]
    power_w: Array


def described(seed: int, now: datetime) -> list[Described]:
    """The devices of a building, its main meter first."""
    random = np.random.default_rng((61, seed))
    own_w, sun = load_w(random, _HOURS), sun_w(random, _HOURS)
    quarter = int(now.timestamp() // _QUARTER.total_seconds()) % 96
    net_w = float(own_w[quarter] - sun[quarter])
    return [
        _meter(own_w - sun, net_w, now),
        _roof(sun, quarter, now),
        _battery(random, now),
        _car(random, now),
        _heat_pump(random, now),
        _dishwasher(random, now),
    ]


def _meter(power_w: Array, net_w: float, now: datetime) -> Described:
    messages = [make.measurement(net_w, now)]
    return Described("Main meter", ControlType.NOT_CONTROLABLE, RoleType.ENERGY_CONSUMER, messages, power_w)


def _roof(sun: Array, quarter: int, now: datetime) -> Described:
    lower, upper = PEBCPowerEnvelopeLimitType.LOWER_LIMIT, PEBCPowerEnvelopeLimitType.UPPER_LIMIT
    offer = PEBCPowerConstraints(
        message_id=make.new_id(),
        id="constraints",
        valid_from=now - timedelta(hours=1),
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=(make.allowed(lower, -8000.0, 0.0), make.allowed(upper, 0.0, 0.0)),
    )
    forecast: PowerForecast = make.solar_forecast(np.roll(sun, -quarter).tolist(), now)
    messages: list[Message] = [offer, forecast, make.measurement(-float(sun[quarter]), now)]
    control_type = ControlType.POWER_ENVELOPE_BASED_CONTROL
    return Described("Roof", control_type, RoleType.ENERGY_PRODUCER, messages, -sun)


def _battery(random: np.random.Generator, now: datetime) -> Described:
    power_w, one_way = float(random.uniform(2500, 5000)), float(random.uniform(0.92, 0.97))
    per_joule = _PER_KWH / float(random.uniform(5, 15))
    actuator = make.actuator(
        (
            make.mode("charge", make.element(_WHOLE, (0.0, power_w * one_way * per_joule), (0.0, power_w))),
            make.mode("idle", make.element(_WHOLE, (0.0, 0.0), (0.0, 0.0))),
            make.mode("discharge", make.element(_WHOLE, (0.0, -power_w / one_way * per_joule), (0.0, -power_w))),
        )
    )
    return _store("Battery", actuator, _WHOLE, float(random.uniform(10, 90)), "idle", now)


def _car(random: np.random.Generator, now: datetime) -> Described:
    """To be ready at some hour within the day."""
    per_joule = 0.9 * _PER_KWH / float(random.uniform(40, 80))
    charge = make.element(_WHOLE, (1380 * per_joule, 7400 * per_joule), (1380.0, 7400.0))
    off = make.element(_WHOLE, (0.0, 0.0), (0.0, 0.0))
    actuator = make.actuator((make.mode("off", off), make.mode("charge", charge)))
    level = float(random.uniform(10, 60))
    departs = timedelta(hours=int(random.integers(6, 20)))
    wanted = (min(level + float(random.uniform(10, 45)), 90.0), 100.0)
    profile = make.target_profile([(departs, _WHOLE), (timedelta(hours=1), wanted)], now)
    return _store("Car", actuator, _WHOLE, level, "off", now, [profile])


def _heat_pump(random: np.random.Generator, now: datetime) -> Described:
    """A buffer of 10 degrees, on or off, an hour on at least and half an hour off."""
    power_w, warms_per_s = float(random.uniform(1500, 3000)), float(random.uniform(1.4, 2.2)) / 900
    whole = (40.0, 50.0)
    actuator = make.actuator(
        (
            make.mode("off", make.element(whole, (0.0, 0.0), (0.0, 0.0))),
            make.mode("on", make.element(whole, (warms_per_s, warms_per_s), (power_w, power_w))),
        ),
        (
            make.transition("off", "on", starts="least-on", blocked_by="least-off"),
            make.transition("on", "off", starts="least-off", blocked_by="least-on"),
        ),
        (Timer(id="least-on", duration=make.HOUR_MS), Timer(id="least-off", duration=make.HOUR_MS // 2)),
    )
    rates = warms_per_s * random.uniform(0.2, 0.45, 25)
    elements = tuple(FRBCUsageForecastElement(duration=make.HOUR_MS, usage_rate_expected=float(rate)) for rate in rates)
    start = now.replace(minute=0, second=0, microsecond=0)
    usage = FRBCUsageForecast(message_id=make.new_id(), start_time=start, elements=elements)
    return _store("Heat pump", actuator, whole, float(random.uniform(43, 48)), "off", now, [usage])


def _store(
    name: str,
    actuator: FRBCActuatorDescription,
    levels: tuple[float, float],
    level: float,
    mode: str,
    now: datetime,
    extra: Iterable[Message] = (),
) -> Described:
    messages = make.store_messages(
        actuator,
        levels=levels,
        level=level,
        active=[("actuator", mode, 0.0)],
        now=now,
        extra=[*extra, make.measurement(0.0, now)],
    )
    role = RoleType.ENERGY_STORAGE
    return Described(name, ControlType.FILL_RATE_BASED_CONTROL, role, messages, np.zeros(96))


def _dishwasher(random: np.random.Generator, now: datetime) -> Described:
    """One of three programmes, within half a day."""
    heat_w = float(random.integers(16, 25)) * 100.0
    container = PPBCPowerSequenceContainer(
        id="programme",
        power_sequences=(
            make.sequence("eco", (20, heat_w), (int(random.integers(60, 110)), 120.0), (20, heat_w), (30, 60.0)),
            make.sequence("normal", (25, heat_w), (35, 150.0), (25, heat_w), (15, 60.0)),
            make.sequence("short", (20, heat_w + 300.0), (15, 200.0), (15, heat_w + 300.0)),
        ),
    )
    definition = PPBCPowerProfileDefinition(
        message_id=make.new_id(),
        id="profile",
        start_time=now,
        end_time=now + timedelta(hours=12),
        power_sequences_containers=(container,),
    )
    status = PPBCPowerSequenceContainerStatus(
        power_profile_id="profile", sequence_container_id="programme", status=PPBCPowerSequenceStatus.NOT_SCHEDULED
    )
    messages: list[Message] = [
        definition,
        PPBCPowerProfileStatus(message_id=make.new_id(), sequence_container_status=(status,)),
        make.measurement(0.0, now),
    ]
    control_type = ControlType.POWER_PROFILE_BASED_CONTROL
    return Described("Dishwasher", control_type, RoleType.ENERGY_CONSUMER, messages, np.zeros(96))


def details_of(device: Described) -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id=make.new_id(),
        resource_id=device.name.replace(" ", "-"),
        name=device.name,
        roles=(Role(role=device.role, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=0,
        available_control_types=(device.control_type,),
        provides_forecast=device.role is RoleType.ENERGY_PRODUCER,
        provides_power_measurement_types=(make.L1,),
    )


# -- Rows --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Building:
    """Of its devices, in the order in which their names were given; the main meter is the first."""

    tenant_id: UUID
    site_id: UUID
    nodes: tuple[UUID, ...]
    links: tuple[UUID, ...]
    tokens: tuple[str, ...]


DAY_AND_NIGHT = (0.22,) * 7 + (0.34,) * 15 + (0.22,) * 2


def register(
    names: Sequence[str],
    number: int,
    *,
    provider: str = "Alder",
    prices: Sequence[float] = DAY_AND_NIGHT,
    selling: float = 0.04,
) -> list[Building]:
    """Buildings of one new provider, in a few statements. `prices`, by the hour, and `selling` are in EUR/kWh."""
    from flexhub.devices.models import DeviceType, Site
    from tenants.scope import tenant_scope
    from tests.support.registry import make_device_type, make_tenant

    tenant = make_tenant(provider)
    kinds = {name: make_device_type(kind=DeviceType.Kind.BATTERY, model=name) for name in names}
    tariff = _tariff(tenant, prices, selling)
    rows: dict[type[Any], list[Any]] = {}
    made = [_building(f"Home {place}", tariff, kinds, rows) for place in range(number)]
    with tenant_scope(tenant.pk):
        for model, each in rows.items():
            model.objects.bulk_create(each)
        for site, building in zip(rows[Site], made, strict=True):
            site.main_meter_id = building.nodes[0]
        Site.objects.bulk_update(rows[Site], ["main_meter"])
    return made


def _tariff(tenant: Any, prices: Sequence[float], selling: float) -> Any:
    from cem_service.objectives import create_tariff

    return create_tariff(
        tenant=tenant,
        name="By the hour",
        import_eur_per_kwh=prices,
        export_eur_per_kwh=[selling] * 24,
    )


def _building(name: str, tariff: Any, kinds: Mapping[str, Any], rows: dict[type[Any], list[Any]]) -> Building:
    """Adds its rows, those first that others refer to."""
    from cem_service.models import SiteObjectives
    from flexhub.devices.models import Device, Link, Node, Site
    from flexhub.pairing.models import NodeToken
    from tenants import tokens

    tenant = tariff.tenant
    site = Site(tenant=tenant, name=name, timezone="UTC", fuse_limit_w=FUSE_W)
    cem = Node(tenant=tenant, site=site, role=Node.Role.CEM, hosted=True, name="CEM")
    devices = [
        Device(tenant=tenant, site=site, device_type=kind, name=each, serial_number=f"{each} of {name}")
        for each, kind in kinds.items()
    ]
    rms = [Node(tenant=tenant, site=site, role=Node.Role.RM, device=each, name=each.name) for each in devices]
    links = [Link(tenant=tenant, rm_node=rm, cem_node=cem) for rm in rms]
    texts = tuple(tokens.new_token(tokens.NODE_PREFIX) for _ in rms)
    keys = [
        NodeToken(tenant=tenant, node=rm, token_hash=tokens.digest(text)) for rm, text in zip(rms, texts, strict=True)
    ]
    made: tuple[list[Any], ...] = ([site], devices, [cem, *rms], links, keys)
    for each in (*made, [SiteObjectives(tenant=tenant, site=site, tariff=tariff)]):
        rows.setdefault(type(each[0]), []).extend(each)
    return Building(tenant.pk, site.pk, _ids(rms), _ids(links), texts)


def remember(buildings: Mapping[Building, Sequence[Described]], now: datetime) -> None:
    """Give the buildings the quarter hours of the past week."""
    from flexhub.telemetry.models import Rollup
    from tenants.scope import platform_scope

    until = quarter_start(now)
    days = [until.date() - timedelta(days=back) for back in range(PAST.days + 1)]
    rows = [
        Rollup(
            tenant_id=building.tenant_id,
            site_id=building.site_id,
            link_id=link_id,
            day=day,
            mean_w=device.power_w.tolist(),
            until=until,
        )
        for building, devices in buildings.items()
        for link_id, device in zip(building.links, devices, strict=True)
        for day in days
    ]
    with platform_scope("the bench remembers a week"):
        Rollup.objects.bulk_create(rows, batch_size=1_000)


def learn(buildings: Iterable[Building], bus: WorkerBus, now: datetime) -> None:
    """What a site does once a day is done already, and the last quarter hour is one that a plan has yet to look at."""
    from cem_service import forecasts
    from cem_service.loading import load_site, with_history
    from flexhub.telemetry.models import Rollup
    from tenants.scope import tenant_scope

    for building in buildings:
        loaded = load_site(building.tenant_id, building.site_id, bus=bus, now=now)
        assert loaded is not None
        forecasts.learn_site(building.tenant_id, with_history(loaded, back=forecasts.LOOK_BACK).state)
        with tenant_scope(building.tenant_id):
            Rollup.objects.filter(site_id=building.site_id).update(until=quarter_start(now) - _QUARTER)


def _ids(rows: Iterable[Any]) -> tuple[UUID, ...]:
    return tuple(row.pk for row in rows)
