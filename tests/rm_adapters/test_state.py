from __future__ import annotations

import json

import pytest

from rm_adapters.state import State, UnreadableState, dump, load
from tests.rm_adapters.hosted_home import CONTROL_TYPES, Home
from tests.rm_adapters.instructing import order_for


@pytest.mark.parametrize("kind", CONTROL_TYPES)
def test_a_state_is_the_same_after_it_was_stored(kind: str) -> None:
    home = Home(kind).select()
    home.crashes = 1
    home.instruct(order_for(home))
    state = load(home.row)

    again = load(json.loads(json.dumps(dump(state))))

    assert again == state
    assert state.write is not None
    assert state.orders[0].instruction.id == state.write.order_id


def test_a_state_of_a_later_version_is_not_guessed_at() -> None:
    row = dump(State())

    with pytest.raises(UnreadableState, match="version 99"):
        load({**row, "version": 99})
    with pytest.raises(UnreadableState):
        load({})
