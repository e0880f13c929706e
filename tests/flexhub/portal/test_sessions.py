from __future__ import annotations

from dataclasses import replace

import pytest

from flexhub.bus.errors import BusUnavailable
from flexhub.bus.worker_side import RedisWorkerBus
from flexhub.devices.models import Link, Node
from flexhub.portal.sessions import colour_of, count_by_control_type, living_sessions, matching
from tenants.scope import platform_scope, tenant_scope
from tests.flexhub.portal.conftest import Seats
from tests.support.registry import Household, make_device, make_household, make_member, make_operator

pytestmark = pytest.mark.django_db
FRBC = "FILL_RATE_BASED_CONTROL"


def test_a_session_knows_its_device_site_and_control_type(seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, control_type=FRBC)

    with tenant_scope(alder.tenant.pk):
        (session,) = living_sessions(seats.bus, make_member(alder.tenant))

    assert (session.device, session.site, session.control_type) == ("Alder battery", "Alder house", FRBC)
    assert session.seat.profile == "1.0.0"


def test_a_released_session_says_so_until_it_is_selected_again(seats: Seats, alder: Household) -> None:
    somebody = make_member(alder.tenant)
    shown: list[tuple[str, str]] = []

    for control_type in ("NO_SELECTION", FRBC):
        seats.sit_down(alder, control_type=control_type, released="2026-04-21T10:00:00+00:00")
        with tenant_scope(alder.tenant.pk):
            shown += [(each.control_type, each.colour) for each in living_sessions(seats.bus, somebody)]

    assert shown == [("released", "danger"), (FRBC, "primary")]


def test_the_name_is_ours_and_not_what_the_seat_says(seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, name="<script>")

    with tenant_scope(alder.tenant.pk):
        assert living_sessions(seats.bus, make_member(alder.tenant))[0].device == "Alder battery"


def test_birch_sees_its_own_sessions_only(seats: Seats, alder: Household) -> None:
    birch = make_household("Birch")
    seats.sit_down(alder)
    seats.sit_down(birch)

    with tenant_scope(birch.tenant.pk):
        assert [session.device for session in living_sessions(seats.bus, make_member(birch.tenant))] == [
            "Birch battery"
        ]


def test_row_level_security_has_the_last_word(seats: Seats, alder: Household) -> None:
    """A seat that names another tenant than its link has."""
    birch = make_household("Birch")
    seats.sit_down(Household(birch.tenant, alder.site, alder.device, alder.rm_node, alder.cem_node, alder.link, ""))

    with tenant_scope(birch.tenant.pk):
        assert living_sessions(seats.bus, make_member(birch.tenant)) == []


def test_an_operator_sees_all_in_natural_order(seats: Seats) -> None:
    for name in ("Street 10", "street 2", "Street 1"):
        seats.sit_down(make_household(name))

    with platform_scope("test"):
        sessions = living_sessions(seats.bus, make_operator())

    assert [session.site for session in sessions] == ["Street 1 house", "street 2 house", "Street 10 house"]


def test_they_are_found_by_name_and_control_type(seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, control_type=FRBC)
    seats.sit_down(make_household("Birch"))
    with platform_scope("test"):
        sessions = living_sessions(seats.bus, make_operator())

    assert count_by_control_type(sessions) == [(FRBC, 1), ("not selected", 1)]
    assert [session.site for session in matching(sessions, " ALDER ", "")] == ["Alder house"]
    assert [session.site for session in matching(sessions, "", "not selected")] == ["Birch house"]
    assert matching(sessions, "alder", "not selected") == []


def test_both_ends_of_a_relayed_link_are_sessions(seats: Seats, alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        Node.objects.filter(pk=alder.cem_node.pk).update(hosted=False)
    seats.sit_down(alder, peer="CEM")
    seats.sit_down(alder, control_type=FRBC)

    with tenant_scope(alder.tenant.pk):
        sessions = living_sessions(seats.bus, make_member(alder.tenant))

    assert [(session.peer, session.device, session.control_type) for session in sessions] == [
        ("RM", "Alder battery", FRBC),
        ("CEM", "Alder battery", "relayed"),
    ]


def test_a_cems_sessions_are_told_apart_by_their_links(seats: Seats, alder: Household) -> None:
    """A building's CEM holds a socket for each link."""
    pump = make_device(alder.site, name="Alder pump")
    with tenant_scope(alder.tenant.pk):
        Node.objects.filter(pk=alder.cem_node.pk).update(hosted=False)
        link = Link.objects.select_related("rm_node").get(rm_node__device=pump)
    seats.sit_down(replace(alder, link=link), peer="CEM")

    with tenant_scope(alder.tenant.pk):
        (session,) = living_sessions(seats.bus, make_member(alder.tenant))

    assert (session.device, session.peer) == ("Alder pump", "CEM")


def test_a_device_that_waits_to_be_selected_is_amber() -> None:
    assert (colour_of("not selected"), colour_of(FRBC)) == ("warning", "primary")


def test_it_says_when_redis_is_down(alder: Household) -> None:
    bus = RedisWorkerBus("redis://127.0.0.1:1/0")

    with pytest.raises(BusUnavailable), tenant_scope(alder.tenant.pk):
        living_sessions(bus, make_member(alder.tenant))
    bus.close()
