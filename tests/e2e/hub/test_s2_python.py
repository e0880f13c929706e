"""s2-python, unmodified and over its own WebSocket, is an RM of the whole hub here."""

from __future__ import annotations

from uuid import UUID

from s2python.common import RoleType

from tests.support.hub import Hub, eventually
from tests.support.registry import Household
from tests.support.s2_python_rm import Battery, Roof, connected


async def test_a_battery_by_s2_python_is_selected_instructed_and_heard(hub: Hub, household: Household) -> None:
    battery, link_id = Battery(), household.link.pk

    async with connected(battery, RoleType.ENERGY_STORAGE, hub.url(household.rm_node.pk), household.token) as peer:
        row, *_ = await eventually(lambda: hub.succeeded(link_id))
        (session,) = hub.sessions(link_id)
        assert peer.alive, "s2-python gave the connection up"

    assert row["message_type"] == "FRBC.Instruction"
    assert (session.profile, session.control_type) == ("0.0.2-beta", "FILL_RATE_BASED_CONTROL")
    assert str(battery.instructions[0].id) == str(row["id"])
    assert battery.instructions[0].actuator_id == Battery.ACTUATOR
    assert_nothing_was_refused(hub, link_id)


async def test_a_roof_by_s2_python_is_selected_instructed_and_heard(hub: Hub, household: Household) -> None:
    roof, link_id = Roof(), household.link.pk

    async with connected(roof, RoleType.ENERGY_PRODUCER, hub.url(household.rm_node.pk), household.token) as peer:
        row, *_ = await eventually(lambda: hub.succeeded(link_id))
        (session,) = hub.sessions(link_id)
        assert peer.alive, "s2-python gave the connection up"

    assert row["message_type"] == "PEBC.Instruction"
    assert (session.profile, session.control_type) == ("0.0.2-beta", "POWER_ENVELOPE_BASED_CONTROL")
    assert str(roof.instructions[0].id) == str(row["id"])
    assert roof.instructions[0].power_constraints_id == Roof.CONSTRAINTS
    assert_nothing_was_refused(hub, link_id)


def assert_nothing_was_refused(hub: Hub, link_id: UUID) -> None:
    conversation = hub.bus.conversation(link_id)
    assert len(conversation) >= 8
    assert {entry.status for entry in conversation if entry.direction == "received"} == {"OK"}
    assert [entry for entry in conversation if entry.findings] == []
