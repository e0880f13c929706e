"""Power profiles: windows, what is reported of their parts, and what may be scheduled when."""

import json
from time import process_time
from typing import Any

import pytest

from tests.support.s2_judging import JudgedTalk, found
from tests.support.s2_rule_cases.ppbc import DRY, TWO_PARTS, WASH, container, profile, sequence, start, status
from tests.support.s2_rule_cases.scenes import Utterance, cem, rm
from tests.support.s2_sessions import Pair, stamp, text

FOREVER_S = (2**53 - 1) / 1000
YEAR_1, YEAR_9999 = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"

PAUSABLE = profile(container("wash", sequence("wash-eco", 1200, is_interruptible=True)))


def pause(kind: str = "Start", **changes: Any) -> Utterance:
    return cem(f"PPBC.{kind}InterruptionInstruction", **{"id": f"pause-{kind}", **changes})


def updated(status_type: str, instruction_id: str, after_s: float = 0) -> Utterance:
    changes = {"instruction_id": instruction_id, "timestamp": stamp(after_s)}
    return rm("InstructionStatusUpdate", status_type=status_type, **changes)


def offered(menu: Utterance, *said: Utterance) -> JudgedTalk:
    talk = JudgedTalk("PPBC")
    for each in (menu, *said):
        talk.findings(each)
    return talk


# -- What is offered and reported --------------------------------------------------------------------------------------


def test_a_window_is_held_against_the_shortest_alternatives() -> None:
    quick = container("wash", sequence("wash-eco", 3600), sequence("wash-short", 600))

    assert "R-91" in found("PPBC", profile(quick, end_time=stamp(598)))
    assert "R-91" not in found("PPBC", profile(quick, end_time=stamp(600)))
    assert "R-91" not in found("PPBC", profile(quick, end_time=stamp(-1)))


def test_absurd_windows_and_durations_are_counted_with() -> None:
    endless = container("wash", *(sequence(f"wash-{number}", FOREVER_S) for number in range(3)))
    menu = profile(endless, start_time=YEAR_1, end_time=YEAR_9999)

    assert "R-91" in found("PPBC", menu)
    assert "R-91" not in found("PPBC", profile(WASH, start_time=YEAR_1, end_time=YEAR_9999))
    for moment in (YEAR_1, YEAR_9999):
        order = start("wash", 0, power_sequence_id="wash-0", execution_time=moment)
        assert "R-94" not in found("PPBC", menu, order)


@pytest.mark.parametrize(("state", "breaks"), [("EXECUTING", True), ("FINISHED", False)])
def test_what_an_incomplete_status_leaves_out_still_runs(state: str, breaks: bool) -> None:
    talk = offered(TWO_PARTS, status(wash=state, dry="NOT_SCHEDULED"))

    assert ("R-92" in talk.says(status(dry="EXECUTING"))) is breaks


def test_parts_of_two_profiles_may_run_at_once() -> None:
    both = [
        {**each, "power_profile_id": profile_id}
        for profile_id in ("profile-1", "profile-2")
        for each in status(wash="EXECUTING")[2]["sequence_container_status"]
    ]

    assert "R-92" not in found("PPBC", rm("PPBC.PowerProfileStatus", sequence_container_status=both))


def test_lists_the_first_of_many_parts_that_are_missing() -> None:
    parts = [container(f"part-{number}", sequence("eco", 1)) for number in range(8)]
    talk = offered(profile(*parts))

    (finding,) = (each for each in talk.findings(status(**{"part-0": "NOT_SCHEDULED"})) if each.rule == "R-97")

    assert finding.text == "part-1, part-2, part-3, part-4, part-5 and 2 more of profile-1 should be told too"


def test_a_status_of_an_unknown_profile_is_not_held_against_a_definition() -> None:
    assert found("PPBC", status(wash="SCHEDULED")) == set()


@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        ("NOT_SCHEDULED", "EXECUTING", False),  # Steps may be left out.
        ("SCHEDULED", "NOT_SCHEDULED", False),  # The start was revoked.
        ("SCHEDULED", "FINISHED", False),
        ("EXECUTING", "INTERRUPTED", False),
        ("INTERRUPTED", "EXECUTING", False),
        ("INTERRUPTED", "ABORTED", False),
        ("EXECUTING", "EXECUTING", False),
        ("FINISHED", "FINISHED", False),
        ("EXECUTING", "NOT_SCHEDULED", True),
        ("INTERRUPTED", "SCHEDULED", True),
        ("FINISHED", "EXECUTING", True),
        ("ABORTED", "FINISHED", True),
    ],
)
def test_a_sequence_does_not_go_back(before: str, after: str, breaks: bool) -> None:
    assert ("R-100" in found("PPBC", profile(WASH), status(wash=before), status(wash=after))) is breaks


@pytest.mark.parametrize(("state", "required"), [("SCHEDULED", False), ("INTERRUPTED", True), ("FINISHED", True)])
def test_progress_is_asked_for_once_the_sequence_has_started(state: str, required: bool) -> None:
    silent = status(wash=(state, {"progress": None}))

    assert ("R-99" in found("PPBC", silent)) is required


@pytest.mark.parametrize(
    ("window", "breaks"),
    [((0, 3600), True), ((3599, 7200), True), ((3600, 7200), False), ((-3600, 0), False)],
)
def test_profiles_for_another_time_may_stand_beside_each_other(window: tuple[float, float], breaks: bool) -> None:
    other = profile(WASH, id="profile-2", start_time=stamp(window[0]), end_time=stamp(window[1]))

    assert ("R-103" in found("PPBC", profile(WASH), other)) is breaks


def test_a_profile_that_is_over_or_revoked_makes_room_for_another() -> None:
    other = profile(WASH, id="profile-2", end_time=stamp(7200))
    revoked = rm("RevokeObject", object_type="PPBC.PowerProfileDefinition", object_id="profile-1")

    assert "R-103" not in offered(profile(WASH)).says(other, 3600)
    assert "R-103" not in found("PPBC", profile(WASH), revoked, other)
    assert "R-103" not in found("PPBC", profile(WASH), profile(WASH, end_time=stamp(7200)))
    assert "R-103" in found("PPBC", TWO_PARTS, status(wash="FINISHED", dry="EXECUTING"), other)


# -- What is named -----------------------------------------------------------------------------------------------------


def test_ids_of_an_instruction_belong_together() -> None:
    def places(order: Utterance) -> list[tuple[str, str]]:
        return [(each.rule, each.path) for each in offered(TWO_PARTS).findings(order)]

    assert places(start("rinse", 0)) == [("R-93", "$.sequence_container_id")]
    assert places(start("wash", 0, power_sequence_id="dry-eco")) == [("R-93", "$.power_sequence_id")]
    assert places(start("wash", 0, power_profile_id="profile-2")) == [("R-44", "$.power_profile_id")]


def test_only_what_is_selected_may_be_paused() -> None:
    two_ways = container("wash", *(sequence(each, 1200, is_interruptible=True) for each in ("wash-eco", "wash-short")))
    short = start("wash", 0, power_sequence_id="wash-short")
    menu = profile(two_ways)

    assert "R-96" not in found("PPBC", menu, pause())  # The machine may have begun by itself.
    assert "R-96" in found("PPBC", menu, status(wash="NOT_SCHEDULED"), pause())
    assert "R-96" in found("PPBC", menu, short, pause())
    assert "R-96" not in found("PPBC", menu, short, pause(power_sequence_id="wash-short"))
    assert "R-96" not in found("PPBC", menu, status(wash="EXECUTING"), short, pause())


@pytest.mark.parametrize(("state", "breaks"), [("INTERRUPTED", False), ("FINISHED", True), ("ABORTED", True)])
def test_what_is_over_is_not_resumed(state: str, breaks: bool) -> None:
    assert ("R-96" in found("PPBC", PAUSABLE, status(wash=state), pause("End"))) is breaks


def test_a_sequence_for_abnormal_conditions_may_be_paused_at_any_time() -> None:
    emergency = sequence("wash-eco", 1200, is_interruptible=True, abnormal_condition_only=True)
    menu = profile(container("wash", emergency))

    assert "R-101" not in found("PPBC", menu, pause())
    assert "R-101" in found("PPBC", menu, pause("End"))
    assert "R-101" in found("PPBC", menu, start("wash", 0))
    assert "R-101" not in found("PPBC", menu, start("wash", 0, abnormal_condition=True))


# -- What is scheduled when --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "after_s", "breaks"),
    [
        ((600, 3600), 594, True),
        ((600, 3600), 596, False),  # Clocks differ.
        ((600, 3600), 0, True),
        ((0, 3600), -60, False),  # In the past means now.
        ((0, 3600), 1800, False),
        ((0, 3600), 1805, False),
        ((0, 3600), 1806, True),  # Drying still has to follow.
        ((-3600, 1700), 600, False),  # No start would be in time any more: late is better than never.
    ],
)
def test_a_schedule_keeps_the_window(window: tuple[float, float], after_s: float, breaks: bool) -> None:
    menu = profile(WASH, DRY, start_time=stamp(window[0]), end_time=stamp(window[1]))

    assert ("R-94" in found("PPBC", menu, start("wash", after_s))) is breaks


def test_a_shorter_alternative_would_have_been_in_time() -> None:
    menu = profile(container("wash", sequence("wash-eco", 1200), sequence("wash-short", 600)), end_time=stamp(900))

    assert "R-94" in found("PPBC", menu, start("wash", 0))
    assert "R-94" not in found("PPBC", menu, start("wash", 0, power_sequence_id="wash-short"))


def test_parts_after_this_one_that_are_over_need_no_time() -> None:
    said = (profile(WASH, DRY), status(wash="NOT_SCHEDULED", dry="ABORTED"), start("wash", 2400))

    assert "R-94" not in found("PPBC", *said)


@pytest.mark.parametrize(("after_s", "breaks"), [(600, True), (1194, True), (1195, False), (1200, False)])
def test_a_part_waits_for_the_one_before(after_s: float, breaks: bool) -> None:
    assert ("R-94" in found("PPBC", TWO_PARTS, start("wash", 0), start("dry", after_s))) is breaks


@pytest.mark.parametrize(("after_s", "breaks"), [(0, False), (1205, False), (1206, True)])
def test_a_part_is_done_before_the_next_one_begins(after_s: float, breaks: bool) -> None:
    menu = profile(WASH, DRY, end_time=stamp(7200))

    assert ("R-94" in found("PPBC", menu, start("dry", 2400), start("wash", after_s))) is breaks


@pytest.mark.parametrize(
    "gone",
    [
        updated("REJECTED", "start-wash-0"),
        updated("REVOKED", "start-wash-0"),
        cem("RevokeObject", object_type="PPBC.ScheduleInstruction", object_id="start-wash-0"),
        status(wash="FINISHED", dry="NOT_SCHEDULED"),
        status(wash="ABORTED", dry="NOT_SCHEDULED"),
        status(wash=("EXECUTING", {"progress": 1_000_000}), dry="NOT_SCHEDULED"),
    ],
)
def test_a_start_that_does_not_stand_holds_nobody_up(gone: Utterance) -> None:
    assert "R-94" not in found("PPBC", TWO_PARTS, start("wash", 0), gone, start("dry", 200))


def test_the_newest_start_of_a_part_counts() -> None:
    talk = offered(TWO_PARTS, start("wash", 0))
    talk.findings(start("wash", 900), 1)

    assert "R-94" in talk.says(start("dry", 1800), 2)
    assert "R-94" not in talk.says(start("dry", 2100), 2)


def test_tells_by_how_much_a_schedule_is_late() -> None:
    (finding,) = offered(profile(WASH)).findings(start("wash", 3000))

    assert finding.text == "should be 600 s earlier, to be done by the profile's end_time, 2026-01-15T13:00:00+0000"


def test_an_rm_takes_in_a_schedule_outside_the_window_and_rejects_it() -> None:
    pair = Pair().offer("PPBC")

    pair.rm_hears(text("PPBC.ScheduleInstruction", execution_time=stamp(6 * 3600)))

    said = [json.loads(each) for each in pair.rm.data_to_send()]
    assert [(each.get("status"), each.get("status_type")) for each in said] == [("OK", None), (None, "REJECTED")]


@pytest.mark.parametrize(
    ("before", "breaks"),
    [
        ([], False),  # Nobody knows when the part before will run.
        ([start("wash", 0)], True),
        ([start("wash", 60)], False),
        ([start("wash", 0), status(wash=("EXECUTING", {"progress": 0}), dry="SCHEDULED")], True),
        ([start("wash", 0), status(wash="ABORTED", dry="SCHEDULED")], False),
    ],
)
def test_a_pause_counts_from_the_end_of_the_part_before(before: list[Utterance], breaks: bool) -> None:
    assert ("R-95" in found("PPBC", TWO_PARTS, *before, start("dry", 1560))) is breaks


def test_a_part_that_can_be_paused_ends_nobody_knows_when() -> None:
    dry = container("dry", sequence("dry-eco", 600, max_pause_before=0))
    wash = container("wash", sequence("wash-eco", 1200, is_interruptible=True))
    talk = offered(profile(wash, dry), start("wash", 0))

    assert "R-95" in talk.says(start("dry", 1300))
    talk.findings(status(wash="EXECUTING", dry="NOT_SCHEDULED"))
    assert "R-95" not in talk.says(start("dry", 1400))


@pytest.mark.parametrize(
    ("ended_s", "now_s", "after_s", "breaks"),
    [
        (1300, 1310, 1600, False),
        (1300, 1310, 1606, True),
        (1300, 1310, 0, False),
        (1300, 1700, 1900, False),  # Too late already.
        (10, 1300, 1500, False),  # Success told at once: the sequence itself took until 1200.
    ],
)
def test_a_reported_end_counts(ended_s: float, now_s: float, after_s: float, breaks: bool) -> None:
    talk = offered(TWO_PARTS, start("wash", 0))
    talk.findings(updated("SUCCEEDED", "start-wash-0", ended_s), max(ended_s, 1))
    talk.findings(status(wash="FINISHED", dry="NOT_SCHEDULED"), now_s)

    assert ("R-95" in talk.says(start("dry", after_s), now_s)) is breaks


@pytest.mark.parametrize(
    ("said", "breaks"),
    [
        (updated("ACCEPTED", "start-wash-600"), True),
        (updated("STARTED", "start-wash-600"), False),
        (updated("REJECTED", "start-wash-600"), False),
        (updated("REVOKED", "start-wash-600"), False),
        (status(wash="EXECUTING", dry="NOT_SCHEDULED"), False),
        (status(wash="SCHEDULED", dry="NOT_SCHEDULED"), True),
    ],
)
def test_a_start_that_stands_is_revoked_before_it_is_moved(said: Utterance, breaks: bool) -> None:
    talk = offered(TWO_PARTS, start("wash", 600), said)

    assert ("R-102" in talk.says(start("wash", 300))) is breaks
    assert "R-102" not in talk.says(start("dry", 1800))


def test_the_largest_profile_is_judged_in_time() -> None:
    parts = [container(f"part-{number}", *(sequence(f"way-{way}", 1) for way in range(5))) for number in range(1000)]
    talk = offered(profile(*parts, end_time=stamp(7200)))
    for number in range(50):
        talk.findings(start(f"part-{number}", number, power_sequence_id="way-0"))

    begun = process_time()
    talk.findings(status(**{f"part-{number}": "NOT_SCHEDULED" for number in range(1000)}))
    talk.findings(start("part-999", 5000, power_sequence_id="way-0"))
    talk.findings(profile(*parts, id="profile-2"))

    assert process_time() - begun < 1
