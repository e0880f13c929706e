from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from rm_adapters import publishing
from rm_adapters.sdk import Active, Offer, drafts
from rm_adapters.state import Activity, Link
from s2.messages import (
    CommodityQuantity,
    ControlType,
    FRBCActuatorStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    Message,
    PEBCPowerEnvelopeConsequenceType,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceStatus,
    RevokeObject,
)
from s2.versions import WireProfile

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
L1 = CommodityQuantity.ELECTRIC_POWER_L1
LINK = Link(profile=WireProfile.V1_0_0)
MODE = drafts.frbc_mode("on", "on", 0.0, [drafts.FillBand(100.0, (0.0, 0.1), (drafts.power_range(L1, 0.0, 1.0),))])
HEATER = drafts.frbc_actuator("a1", "heater", modes=[MODE], timers=[drafts.blocking_timer("rest", timedelta(hours=1))])
TANK = Offer(
    control_type=ControlType.FILL_RATE_BASED_CONTROL,
    description=drafts.frbc_description(HEATER, levels=(0.0, 100.0), level_label="%"),
    active=(Active(mode_id="on", actuator_id="a1"),),
    reports=(drafts.storage_status(50.0),),
)


class Teller:
    """Publishes offers one after another to the same CEM."""

    def __init__(self) -> None:
        self.link = LINK
        self.numbers = count(1)

    def tell(self, offer: Offer) -> list[Message]:
        activities = {each.actuator_id: Activity(mode_id=each.mode_id, factor=each.factor) for each in offer.active}
        situation = publishing.Situation(offer, activities, {}, NOON)
        self.link, messages = publishing.news_of_offer(situation, self.link, lambda: f"m{next(self.numbers)}")
        return messages


def test_tells_the_description_first_and_each_thing_once() -> None:
    teller = Teller()

    first, second = teller.tell(TANK), teller.tell(TANK)

    assert [type(each).__name__ for each in first] == [
        "FRBCSystemDescription",
        "FRBCActuatorStatus",
        "FRBCStorageStatus",
        "FRBCTimerStatus",
    ]
    assert second == []


def test_a_description_is_valid_from_its_publication_on() -> None:
    description = Teller().tell(TANK)[0]

    assert isinstance(description, FRBCSystemDescription)
    assert (description.valid_from, description.message_id) == (NOON, "m1")


@pytest.mark.parametrize(("level", "is_news"), [(50.04, False), (50.2, True)])
def test_a_level_is_news_by_a_thousandth_of_its_range(level: float, is_news: bool) -> None:
    teller = Teller()
    teller.tell(TANK)

    messages = teller.tell(replace(TANK, reports=(drafts.storage_status(level),)))

    assert bool(messages) is is_news


def test_another_description_makes_all_else_news() -> None:
    teller = Teller()
    teller.tell(TANK)
    smaller = drafts.frbc_description(HEATER, levels=(0.0, 90.0), level_label="%")

    messages = teller.tell(replace(TANK, description=smaller))

    assert len(messages) == 4
    assert isinstance(messages[1], FRBCActuatorStatus)
    assert isinstance(messages[3], FRBCTimerStatus)


def test_other_constraints_take_the_former_ones_away() -> None:
    teller = Teller()
    consequence = PEBCPowerEnvelopeConsequenceType.VANISH
    offers = [
        Offer(
            control_type=ControlType.POWER_ENVELOPE_BASED_CONTROL,
            description=drafts.power_constraints(
                name, L1, lower=[(-peak_w, 0.0)], upper=[(0.0, 0.0)], consequence=consequence
            ),
        )
        for name, peak_w in (("c1", 5000.0), ("c1", 4000.0), ("c2", 4000.0))
    ]

    told = [[each.message_type for each in teller.tell(offer)] for offer in offers]

    assert told == [
        ["PEBC.PowerConstraints"],
        ["PEBC.PowerConstraints"],
        ["RevokeObject", "PEBC.PowerConstraints"],
    ]


def test_an_offer_that_has_ended_is_revoked_once() -> None:
    teller = Teller()
    (description, *_) = teller.tell(TANK)

    messages = teller.tell(replace(TANK, description=None))

    (revocation,) = messages
    assert isinstance(revocation, RevokeObject)
    assert isinstance(description, FRBCSystemDescription)
    assert revocation.object_id == description.message_id
    assert teller.tell(replace(TANK, description=None)) == []


@pytest.mark.parametrize(("minutes", "is_news"), [(4, False), (6, True)])
def test_a_progress_is_news_by_minutes(minutes: float, is_news: bool) -> None:
    teller = Teller()
    sequence = drafts.sequence("s1", [(timedelta(hours=2), 100.0)], quantity=L1)

    def washing(progress: timedelta) -> Offer:
        status = drafts.container_status(
            "p1", "c1", PPBCPowerSequenceStatus.EXECUTING, selected="s1", progress=progress
        )
        return Offer(
            control_type=ControlType.POWER_PROFILE_BASED_CONTROL,
            description=drafts.power_profile("p1", NOON, NOON + timedelta(hours=8), drafts.container("c1", sequence)),
            reports=(drafts.profile_status(status),),
        )

    teller.tell(washing(timedelta()))
    messages = teller.tell(washing(timedelta(minutes=minutes)))

    assert bool(messages) is is_news
    for each in messages:
        assert isinstance(each, PPBCPowerProfileStatus)
        assert each.sequence_container_status[0].progress == minutes * 60_000
