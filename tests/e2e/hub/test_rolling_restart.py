"""Both gateways are replaced, one after the other, under load: no client sees more than a polite goodbye."""

from __future__ import annotations

from functools import partial
from time import monotonic

import pytest
from pytest_django import DjangoDbBlocker

from tests.support.chaos.audit import audit
from tests.support.chaos.crowd import Cast, Crowd, cast_for
from tests.support.chaos.journal import OK, TEMPORARY, Journal, Note
from tests.support.hub import GATEWAY, SECOND_GATEWAY, Hub, eventually
from tests.support.services import django_at

HEALTHY_WITHIN_S = 60.0
# A drain of so few sessions takes seconds; the goodbyes have 2 s each.
ENDS_WITHIN_S = 30.0


@pytest.fixture
def cast(both_gateways: Hub, django_db_blocker: DjangoDbBlocker) -> Cast:
    with django_db_blocker.unblock(), django_at(both_gateways.database):
        return cast_for(both_gateways, "Alder rolls", hosted=20, pairs=10)


async def test_a_rolling_restart_is_no_more_than_a_polite_goodbye(both_gateways: Hub, cast: Cast) -> None:
    hub = both_gateways
    in_service = set(hub.ports)
    crowd = Crowd(cast, lambda: [hub.ports[name] for name in in_service])
    async with crowd.living():
        await crowd.healthy(monotonic(), HEALTHY_WITHIN_S)

        for name in (GATEWAY, SECOND_GATEWAY):
            # Like a load balancer, which is told at once that a server is not ready any more.
            in_service.remove(name)
            hub.terminate(name)
            assert await eventually(partial(hub.how_it_ended, name), ENDS_WITHIN_S) == "ended with status 0"
            hub.launch(name)
            await eventually(partial(hub.is_ready, name))
            in_service.add(name)
            await crowd.healthy(monotonic(), HEALTHY_WITHIN_S)

        await crowd.quiet()
        verdict = await audit(hub, crowd)
        journals = [peer.journal for peer in crowd.peers]
        # The connections that are open now have no end yet.
        ends = [end for journal in journals for end in journal.ends]
    assert not verdict.breaches
    assert len(ends) >= len(journals)
    assert [end for end in ends if not end.polite] == []
    assert [note for each in crowd.hosted for note in refused(each.rm.journal)] == []
    # What was on its way to an end that leaves cannot be said to have arrived: "send it again once the session is new".
    for journal in journals:
        for note in refused(journal):
            assert note.statuses[-1] == TEMPORARY
            assert note.connection < journal.connection


def refused(journal: Journal) -> list[Note]:
    """What was answered, and not with OK in the end."""
    return [note for note in journal.said.values() if note.statuses and note.statuses[-1] != OK]
