"""Reception statuses and their repetition."""

from s2.messages import ReceptionStatus, ReceptionStatusValues, parse_message
from s2.receptions import NIL_ID, Receptions, reception_text
from s2.versions import WireProfile

INVALID = ReceptionStatusValues.INVALID_CONTENT


def test_writes_what_the_models_read() -> None:
    written = reception_text("m-1", INVALID, 'R-20: not "1.3"\n—')

    assert parse_message(written, WireProfile.V1_0_0) == ReceptionStatus(
        subject_message_id="m-1", status=INVALID, diagnostic_label='R-20: not "1.3"\n—'
    )


def test_omits_an_absent_label() -> None:
    assert parse_message(reception_text(NIL_ID), WireProfile.V1_0_0) == ReceptionStatus(
        subject_message_id=NIL_ID, status=ReceptionStatusValues.OK
    )


def test_repeats_the_whole_answer() -> None:
    receptions = Receptions()
    receptions.remember("m-1", "text", INVALID, "R-20: no")

    assert receptions.answer_for("m-1", "text") == reception_text("m-1", INVALID, "R-20: no")


def test_another_text_under_a_used_id_is_new() -> None:
    receptions = Receptions()
    receptions.remember("m-1", "text")

    assert receptions.answer_for("m-1", "other text") is None
    assert receptions.uses("m-1")


def test_forgets_answers_but_not_ids() -> None:
    receptions = Receptions()
    receptions.remember("m-1", "text")

    receptions.forget_answers()

    assert receptions.answer_for("m-1", "text") is None
    assert receptions.uses("m-1")


def test_is_bounded_and_reuses_its_places() -> None:
    receptions = Receptions(capacity=2)
    receptions.remember("m-1", "first", INVALID, "label")
    receptions.remember("m-2", "second")
    receptions.remember("m-3", "third")

    assert receptions.answer_for("m-1", "first") is None
    assert receptions.answer_for("m-3", "third") == reception_text("m-3")
    assert len(receptions) == 2
