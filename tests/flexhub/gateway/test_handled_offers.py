"""What a device offers, in the snapshot for as long as it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from flexhub.bus import Batch
from flexhub.gateway.handlers import Turn, handle
from s2.messages import (
    ControlType,
    Message,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from s2.strictness import Strictness
from tests.support.gateway_inside import NOW, details
from tests.support.handled import Hub, battery, constraints, hub_under
from tests.support.resources import measurement, new_id, sequence


@pytest.fixture
async def frbc() -> Hub:
    return await hub_under(ControlType.FILL_RATE_BASED_CONTROL)


@pytest.fixture
async def pebc() -> Hub:
    return await hub_under(ControlType.POWER_ENVELOPE_BASED_CONTROL)


async def test_a_new_description_ends_the_states_of_the_one_before(frbc: Hub) -> None:
    await frbc.hear(*battery())
    assert "FRBC.ActuatorStatus/actuator" in frbc.snapshot.fields()

    await frbc.hear(battery()[0])

    assert set(frbc.snapshot.fields()) == {"profile", "FRBC.SystemDescription", "FRBC.StorageStatus"}


async def test_an_announced_description_takes_over_when_its_time_has_come(frbc: Hub) -> None:
    first, *statuses = battery()
    later = replace(battery()[0], valid_from=NOW + timedelta(minutes=1))

    await frbc.hear(first, *statuses)
    announced = await frbc.hear(later)

    assert frbc.snapshot.messages["FRBC.SystemDescription"] == first
    assert "FRBC.ActuatorStatus/actuator" in frbc.snapshot.fields()
    assert not announced.wakes

    batch, then = Batch(), NOW + timedelta(minutes=1)
    handle(Turn(frbc.seat, batch, then), frbc.seat.session.tick(then))
    await frbc.write(batch)

    assert frbc.snapshot.messages["FRBC.SystemDescription"] == later
    assert "FRBC.ActuatorStatus/actuator" not in frbc.snapshot.fields()
    assert batch.wakes


async def test_new_details_end_what_was_offered_before(frbc: Hub) -> None:
    await frbc.hear(*battery(), measurement(1.0, NOW))

    await frbc.hear(details())

    assert set(frbc.snapshot.fields()) == {"profile", "PowerMeasurement", "ResourceManagerDetails"}


async def test_a_revoked_description_leaves_and_takes_no_heir_along(frbc: Hub) -> None:
    first, second = battery()[0], battery()[0]
    kind = RevokableObjects.FRBC_SYSTEM_DESCRIPTION

    await frbc.hear(first, second, RevokeObject(message_id=new_id(), object_type=kind, object_id=first.message_id))
    assert frbc.snapshot.messages["FRBC.SystemDescription"] == second

    await frbc.hear(RevokeObject(message_id=new_id(), object_type=kind, object_id=second.message_id))
    assert "FRBC.SystemDescription" not in frbc.snapshot.fields()


async def test_constraints_that_are_no_longer_offered_leave(pebc: Hub) -> None:
    await pebc.hear(constraints("old", -timedelta(minutes=1)), constraints("revoked", timedelta(hours=1)))
    kind = RevokableObjects.PEBC_POWER_CONSTRAINTS

    await pebc.hear(
        RevokeObject(message_id=new_id(), object_type=kind, object_id="revoked"),
        constraints("new", timedelta(hours=1)),
    )

    assert set(pebc.snapshot.fields()) == {"profile", "PEBC.PowerConstraints/new"}


async def test_each_power_profile_keeps_the_status_of_all_its_containers() -> None:
    ppbc = await hub_under(ControlType.POWER_PROFILE_BASED_CONTROL, Strictness(lenient=True))
    await ppbc.hear(power_profile("p1", "c-a", "c-b"), power_profile("p2", "c-c"))

    await ppbc.hear(profile_status(("p1", "c-a"), ("p1", "c-b"), ("p2", "c-c")), profile_status(("p1", "c-b")))

    messages = ppbc.snapshot.messages
    assert {
        name: containers_of(one) for name, one in messages.items() if name.startswith("PPBC.PowerProfileStatus")
    } == {
        "PPBC.PowerProfileStatus/p1": {"c-a", "c-b"},
        "PPBC.PowerProfileStatus/p2": {"c-c"},
    }


async def test_the_status_of_a_power_profile_leaves_with_it() -> None:
    ppbc = await hub_under(ControlType.POWER_PROFILE_BASED_CONTROL)
    await ppbc.hear(power_profile("p1", "c-a"), profile_status(("p1", "c-a")))
    kind = RevokableObjects.PPBC_POWER_PROFILE_DEFINITION

    await ppbc.hear(RevokeObject(message_id=new_id(), object_type=kind, object_id="p1"))

    assert set(ppbc.snapshot.fields()) == {"profile"}


def power_profile(profile_id: str, *container_ids: str) -> PPBCPowerProfileDefinition:
    return PPBCPowerProfileDefinition(
        message_id=new_id(),
        id=profile_id,
        start_time=NOW,
        end_time=NOW + timedelta(hours=8),
        power_sequences_containers=tuple(
            PPBCPowerSequenceContainer(id=each, power_sequences=(sequence(f"{each}-1", (60, 1000.0)),))
            for each in container_ids
        ),
    )


def profile_status(*containers: tuple[str, str]) -> PPBCPowerProfileStatus:
    return PPBCPowerProfileStatus(
        message_id=new_id(),
        sequence_container_status=tuple(
            PPBCPowerSequenceContainerStatus(
                power_profile_id=profile_id,
                sequence_container_id=container_id,
                status=PPBCPowerSequenceStatus.NOT_SCHEDULED,
            )
            for profile_id, container_id in containers
        ),
    )


def containers_of(status: Message) -> set[str]:
    assert isinstance(status, PPBCPowerProfileStatus)
    return {each.sequence_container_id for each in status.sequence_container_status}


async def test_what_crossed_with_another_control_type_is_not_folded(pebc: Hub) -> None:
    select = SelectControlType(message_id=str(uuid4()), control_type=ControlType.NO_SELECTION)
    pebc.seat.session.send(select, NOW)

    batch = await pebc.hear(constraints("late", timedelta(hours=1)))

    (entry,) = pebc.worker.conversation(pebc.seat.info.link_id)
    assert (entry.status, len(entry.findings)) == ("OK", 1)
    assert set(pebc.snapshot.fields()) == {"profile"}
    assert not batch.wakes
