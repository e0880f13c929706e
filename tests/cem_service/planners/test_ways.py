from __future__ import annotations

from cem_service.planners.ways import MANY_MODES, SWITCH_EUR, Way, ways_of
from s2.messages import Transition
from tests.support.mode_resources import MINUTE, ombc_messages, ombc_mode, read_ombc, way


def ways_between(*transitions: Transition, modes: int = 3) -> dict[tuple[str, str], Way]:
    """Among the modes m0 and so on, and one for abnormal conditions."""
    described = [ombc_mode(f"m{index}", 0.0) for index in range(modes)]
    messages = ombc_messages([*described, ombc_mode("emergency", 0.0, abnormal=True)], transitions, active=("m0", 0.0))
    machine = read_ombc("device", messages).machine
    assert machine is not None
    return {(one.from_mode_id, one.to_mode_id): one for ways in ways_of(machine).values() for one in ways}


def test_a_transition_is_a_way_with_its_cost_and_wear() -> None:
    (found,) = ways_between(way("m0", "m1", costs=0.1, takes=MINUTE)).values()

    assert (found.via, found.first_mode_id, found.duration_s) == (None, "m1", 60.0)
    assert found.eur == SWITCH_EUR + 0.1


def test_a_reward_for_switching_is_not_believed() -> None:
    assert ways_between(way("m0", "m1", costs=-5.0))["m0", "m1"].eur == SWITCH_EUR


def test_a_way_may_lead_over_a_third_mode() -> None:
    ways = ways_between(
        way("m0", "m1", starts=["t1"], takes=MINUTE), way("m1", "m2", blocked_by=["t2"], takes=2 * MINUTE)
    )

    joined = ways["m0", "m2"]
    assert (joined.via, joined.first_mode_id, joined.duration_s) == ("m1", "m1", 180.0)
    assert joined.start_timers == {"t1"}
    assert joined.blocking_timers == {"t2"}
    assert joined.eur == 2 * SWITCH_EUR


def test_a_first_hop_that_blocks_the_second_leads_nowhere_at_once() -> None:
    assert ("m0", "m2") not in ways_between(way("m0", "m1", starts=["t1"]), way("m1", "m2", blocked_by=["t1"]))


def test_leaves_out_abnormal_conditions_and_ways_that_end_where_they_began() -> None:
    assert (
        ways_between(way("m0", "m0"), way("m0", "emergency"), way("m0", "m1", abnormal=True), way("m0", "gone")) == {}
    )


def test_many_modes_have_their_own_ways_only() -> None:
    count = MANY_MODES + 1
    ways = ways_between(*(way(f"m{index}", f"m{index + 1}") for index in range(count - 1)), modes=count)

    assert len(ways) == count - 1
