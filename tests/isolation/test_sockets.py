"""Every WebSocket route: Birch's device at the doors of Alder's nodes and links, and at doors that there are not."""

from __future__ import annotations

from uuid import UUID

import pytest

from flexhub.devices.models import Link
from flexhub.gateway import routes
from flexhub.pairing.services import NodeIdentity, SignIn, authenticate_nodes
from tests.isolation.cast import GHOST_UUID, Cast

# The number of ids in the path of each route that these tests walk through.
TRIED = {"s2": 2}


def test_somebody_has_thought_of_each_route() -> None:
    assert {name: path.groups for name, path in routes.WEBSOCKET_PATHS.items()} == TRIED, (
        "there is a new WebSocket route: have tests/isolation/test_sockets.py try it with another tenant's ids"
    )


@pytest.fixture
def doors(cast: Cast) -> dict[str, UUID]:
    link, own = cast.rows[Link], cast.own[Link]
    assert isinstance(link, Link)
    assert isinstance(own, Link)
    return {
        "rm": link.rm_node_id,
        "cem": link.cem_node_id,
        "own rm": own.rm_node_id,
        "own cem": own.cem_node_id,
        "ghost": GHOST_UUID,
    }


def _answer(cast: Cast, node_id: UUID, peer_id: UUID | None) -> object:
    (answer,) = authenticate_nodes([SignIn(node_id, cast.node_token, peer_id)])
    return answer


def test_the_token_opens_its_own_door(cast: Cast, doors: dict[str, UUID]) -> None:
    answer = _answer(cast, doors["own rm"], None)

    assert isinstance(answer, NodeIdentity)
    assert answer.peer_node_id == doors["own cem"]


@pytest.mark.parametrize("peer", [None, "rm", "cem", "own rm", "own cem", "ghost"])
@pytest.mark.parametrize("node", ["rm", "cem"])
def test_the_door_of_anothers_node_is_as_one_that_there_is_not(
    cast: Cast, doors: dict[str, UUID], node: str, peer: str | None
) -> None:
    peer_id = doors[peer] if peer else None

    assert _answer(cast, doors[node], peer_id) is _answer(cast, GHOST_UUID, peer_id) is None


@pytest.mark.parametrize("peer", ["rm", "cem"])
def test_no_link_leads_from_ones_own_node_to_anothers(cast: Cast, doors: dict[str, UUID], peer: str) -> None:
    assert _answer(cast, doors["own rm"], doors[peer]) is _answer(cast, doors["own rm"], GHOST_UUID) is None
