from __future__ import annotations

import pytest

from flexhub.devices.models import Link, Node
from flexhub.portal.ends import chosen, peers_of


def link(*, rm_hosted: bool, cem_hosted: bool) -> Link:
    return Link(rm_node=Node(role="RM", hosted=rm_hosted), cem_node=Node(role="CEM", hosted=cem_hosted))


@pytest.mark.parametrize(
    ("rm_hosted", "cem_hosted", "peers"),
    [(False, True, ("RM",)), (True, False, ("CEM",)), (False, False, ("RM", "CEM")), (True, True, ("RM", "CEM"))],
)
def test_sessions_are_with_the_ends_that_are_not_ours_or_between_two_that_are(
    rm_hosted: bool, cem_hosted: bool, peers: tuple[str, ...]
) -> None:
    assert peers_of(link(rm_hosted=rm_hosted, cem_hosted=cem_hosted)) == peers


@pytest.mark.parametrize(("wanted", "peer"), [("CEM", "CEM"), ("RM", "RM"), (None, "RM"), ("nobody", "RM")])
def test_an_end_is_chosen_by_its_name(wanted: str | None, peer: str) -> None:
    assert chosen(link(rm_hosted=False, cem_hosted=False), wanted) == peer
    assert chosen(link(rm_hosted=False, cem_hosted=True), wanted) == "RM"
