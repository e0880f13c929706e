"""The view of what the RM has put on the menu."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from s2.descriptions import WHOLE_DEVICE
from s2.messages import FRBCActuatorStatus, FRBCSystemDescription, RevokableObjects
from s2.resource import ResourceView
from tests.support.s2_sessions import NOW, at, message, stamp


def description(name: str, seconds: float) -> FRBCSystemDescription:
    built = message("FRBC.SystemDescription", message_id=name, valid_from=stamp(seconds))
    return cast(FRBCSystemDescription, built)


def in_force(view: ResourceView, seconds: float) -> str | None:
    found = view.description_at(at(seconds))
    return None if found is None else found.message_id


def test_a_future_description_takes_effect_when_its_time_comes() -> None:
    view = ResourceView()
    view.fold(description("now", 0), NOW)
    view.fold(description("later", 60), NOW)

    assert [in_force(view, seconds) for seconds in (0, 59, 60, 90)] == ["now", "now", "later", "later"]


def test_a_newer_word_replaces_what_was_announced_for_later() -> None:
    view = ResourceView()
    view.fold(description("now", 0), NOW)
    view.fold(description("later", 60), NOW)
    view.fold(description("instead", 30), at(1))

    assert [in_force(view, seconds) for seconds in (1, 30, 60)] == ["now", "instead", "instead"]


def test_a_description_for_now_replaces_the_former_one_with_its_statuses() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(message("FRBC.ActuatorStatus"), NOW)
    view.fold(message("FRBC.TimerStatus"), NOW)
    assert view.active_mode("actuator-1", NOW) == "mode-on"

    view.fold(description("second", 0), at(1))

    assert in_force(view, 1) == "second"
    assert view.active_mode("actuator-1", at(1)) is None
    assert view.timer_finished_at("actuator-1", "timer-on") is None


def test_statuses_go_when_the_announced_description_comes_into_force() -> None:
    view = ResourceView()
    view.fold(description("now", 0), NOW)
    view.fold(description("later", 60), NOW)
    view.fold(message("FRBC.ActuatorStatus"), at(59))

    assert view.active_mode("actuator-1", at(59)) == "mode-on"
    assert view.active_mode("actuator-1", at(60)) is None
    view.fold(message("FRBC.TimerStatus"), at(61))
    assert view.active_mode("actuator-1", at(61)) is None
    view.fold(message("FRBC.ActuatorStatus", active_operation_mode_id="mode-off"), at(61))
    assert view.active_mode("actuator-1", at(61)) == "mode-off"


def test_what_is_said_at_the_very_moment_is_about_the_description_that_begins() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(description("later", 60), NOW)

    view.fold(message("FRBC.ActuatorStatus"), at(60))
    view.fold(message("FRBC.StorageStatus"), at(61))

    assert view.active_mode("actuator-1", at(61)) == "mode-on"


def test_what_was_reported_is_compared_under_one_description_only() -> None:
    view = ResourceView()
    view.fold(description("now", 0), NOW)
    view.fold(description("later", 60), NOW)
    view.fold(message("FRBC.ActuatorStatus"), NOW)
    view.fold(message("FRBC.StorageStatus"), NOW)

    assert view.activity_before("actuator-1", at(29)) is not None
    assert view.level_before(at(29)) is not None
    # On a clock that is half a minute ahead the later one is in force.
    assert view.activity_before("actuator-1", at(30)) is None
    assert view.level_before(at(30)) is None


def test_a_level_goes_with_the_description_that_gave_it_its_unit() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(message("FRBC.StorageStatus"), NOW)
    view.fold(message("FRBC.FillLevelTargetProfile"), NOW)
    view.fold(description("second", 30), NOW)

    view.fold(message("FRBC.StorageStatus", present_fill_level=7), at(31))

    level = view.level_before(at(31))
    assert level is not None
    assert (level.value, level.at) == (7, at(31))
    assert view.target_at(at(31)) is None


def test_finds_the_target_of_a_moment() -> None:
    elements = [
        {"duration": duration, "fill_level_range": {"start_of_range": low, "end_of_range": 100}}
        for duration, low in ((60_000, 10), (0, 20), (30_000, 30), (2**53 - 1, 40))
    ]
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(message("FRBC.FillLevelTargetProfile", start_time=stamp(10), elements=elements), NOW)

    targets = [view.target_at(at(seconds)) for seconds in (9, 10, 69, 70, 99, 100, 1e9)]

    assert [None if each is None else each.start_of_range for each in targets] == [None, 10, 10, 30, 30, 40, 40]


def test_has_no_target_after_the_last_one() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(message("FRBC.FillLevelTargetProfile"), NOW)

    assert view.target_at(at(899)) is not None
    assert view.target_at(at(900)) is None


def test_tells_the_timers_that_run() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    for timer_id, seconds in (("t-1", 60), ("t-2", 30)):
        view.fold(message("FRBC.TimerStatus", timer_id=timer_id, finished_at=stamp(seconds)), NOW)

    assert view.timers_running("actuator-1", at(29)) == {"t-1": at(60), "t-2": at(30)}
    assert view.timers_running("actuator-1", at(30)) == {"t-1": at(60)}
    assert view.timers_running("actuator-2", at(0)) == {}


def test_a_first_status_starts_a_timer_only_if_it_says_when() -> None:
    told = cast(FRBCActuatorStatus, message("FRBC.ActuatorStatus", transition_timestamp=stamp(-5)))
    finished: dict[datetime | None, datetime | None] = {}
    for moment in (told.transition_timestamp, None):
        view = ResourceView()
        view.fold(description("first", 0), NOW)
        view.fold(replace(told, transition_timestamp=moment), NOW)
        finished[moment] = view.timer_finished_at("actuator-1", "timer-on")

    # A transition of which only the former mode is told may have been long ago.
    assert finished == {at(-5): at(295), None: None}


def test_remembers_that_there_was_a_description() -> None:
    view = ResourceView()
    assert not view.descriptions.were_given
    view.fold(description("first", 0), NOW)

    view.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, "first", at(1))

    assert view.descriptions.were_given
    assert not view.descriptions


def test_clocks_may_differ_a_little_where_nothing_else_is_in_force() -> None:
    view = ResourceView()
    view.fold(description("ahead", 3), NOW)
    view.fold(message("PEBC.PowerConstraints", valid_from=stamp(3)), NOW)

    assert in_force(view, 0) == "ahead"
    assert in_force(view, -10) is None
    assert view.constraints_at("constraints-1", NOW) is not None


def test_after_a_revocation_nothing_is_in_force() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(message("FRBC.ActuatorStatus"), NOW)

    view.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, "first", at(1))

    assert in_force(view, 1) is None
    assert view.active_mode("actuator-1", at(1)) is None
    assert not view.knows(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, "first")


def test_revoking_what_was_replaced_has_no_effect() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)
    view.fold(description("second", 0), at(1))

    view.revoke(RevokableObjects.FRBC_SYSTEM_DESCRIPTION, "first", at(2))
    view.revoke(RevokableObjects.OMBC_SYSTEM_DESCRIPTION, "second", at(2))

    assert in_force(view, 2) == "second"


def test_revokes_objects_by_their_own_id() -> None:
    view = ResourceView()
    for message_type in ("PEBC.PowerConstraints", "PEBC.EnergyConstraint", "PPBC.PowerProfileDefinition"):
        published = message(message_type)
        view.fold(published, NOW)
        object_type, object_id = RevokableObjects(message_type), getattr(published, "id", "")
        assert view.knows(object_type, object_id)

        view.revoke(object_type, object_id, NOW)

        assert not view.knows(object_type, object_id)


def test_constraints_hold_from_their_beginning_to_before_their_end() -> None:
    view = ResourceView()
    view.fold(message("PEBC.PowerConstraints", valid_from=stamp(60), valid_until=stamp(120)), NOW)

    held = [view.constraints_at("constraints-1", at(seconds)) is not None for seconds in (0, 60, 119, 120)]

    assert held == [False, True, True, False]
    assert view.constraints_at("other", at(60)) is None


def test_an_ombc_device_is_one_machine() -> None:
    view = ResourceView()
    view.fold(message("OMBC.SystemDescription"), NOW)
    view.fold(message("OMBC.Status"), NOW)
    view.fold(message("OMBC.TimerStatus"), NOW)

    assert view.machine_at(WHOLE_DEVICE, NOW) is view.description_at(NOW)
    assert view.machine_at("actuator-1", NOW) is None
    assert view.active_mode(WHOLE_DEVICE, NOW) == "mode-on"
    assert view.timer_finished_at(WHOLE_DEVICE, "timer-on") == NOW


def test_new_details_empty_the_menu() -> None:
    view = ResourceView()
    view.fold(description("first", 0), NOW)

    view.fold(message("ResourceManagerDetails"), at(1))

    assert view.details is not None
    assert in_force(view, 1) is None


def test_is_bounded_against_a_peer_that_publishes_without_end() -> None:
    view = ResourceView()
    for number in range(300):
        view.fold(message("PEBC.PowerConstraints", id=f"c-{number}", valid_until=stamp(9999)), NOW)
        view.fold(message("PEBC.EnergyConstraint", id=f"e-{number}"), NOW)
        view.fold(message("FRBC.ActuatorStatus", actuator_id=f"a-{number}"), NOW)
        view.fold(message("FRBC.TimerStatus", timer_id=f"t-{number}"), NOW)
        view.fold(description(f"d-{number}", number), NOW)

    assert len(view.constraints) == 192
    assert len(view.energy_constraints) == 100
    assert in_force(view, 0) == "d-0"
    assert in_force(view, 299) == "d-299"
    assert len(view.descriptions) == 8
    assert len(view._timers) <= 256


def test_constraints_that_are_over_are_dropped() -> None:
    view = ResourceView()
    view.fold(message("PEBC.PowerConstraints", id="old", valid_until=stamp(60)), NOW)

    view.fold(message("PEBC.PowerConstraints", id="new", valid_from=stamp(60)), at(61))

    assert set(view.constraints) == {"new"}


def test_keeps_the_constraints_of_two_days_in_quarters_of_an_hour() -> None:
    view = ResourceView()
    for quarter in range(2 * 96):
        begin = 900 * quarter
        span = {"valid_from": stamp(begin), "valid_until": stamp(begin + 900)}
        view.fold(message("PEBC.PowerConstraints", id=f"c-{quarter}", **span), NOW)

    assert view.constraints_at("c-0", NOW) is not None
    assert view.constraints_at("c-191", at(191 * 900)) is not None


def test_the_ends_of_the_calendar_are_moments_like_others() -> None:
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    end_of_time = datetime.max.replace(tzinfo=UTC)
    view = ResourceView()
    view.fold(message("PEBC.PowerConstraints", id="always", valid_from=first, valid_until=last), NOW)
    view.fold(message("PEBC.PowerConstraints", id="never", valid_from=last, valid_until=last), NOW)
    view.fold(message("FRBC.SystemDescription", valid_from=last), NOW)

    assert view.constraints_at("always", NOW) is not None
    assert view.constraints_at("never", NOW) is None
    assert view.constraints_at("never", end_of_time) is None
    assert view.description_at(NOW) is None
    assert view.description_at(end_of_time) is not None
