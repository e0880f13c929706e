from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from cem_service import reader
from cem_service.domain.decision import Objective
from cem_service.domain.reason import Reason, ReasonCode
from cem_service.phrases import language_of
from cem_service.telling import instruction_in_words, run_in_words
from tests.support.decisions import make_instruction, make_plan_run
from tests.support.registry import Household, make_household, make_operator

pytestmark = pytest.mark.django_db

RESTS = Reason(ReasonCode.RESTS, figures={"name": "Alder battery"}).as_dict()
TOLD = Reason(ReasonCode.TOO_LATE, Objective.START_TIME, {"name": "Oven", "starts_at": "2026-04-21T10:00:00+00:00"})


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def test_tells_what_is_stored_as_data(alder: Household) -> None:
    run = make_plan_run(alder, reasons=[RESTS])
    instruction = make_instruction(alder, reason_data=TOLD.as_dict())

    with reader.reading(language_of("nl")):
        assert run_in_words(run) == ["Alder battery rust in de komende 24 uur."]
        assert instruction_in_words(instruction).startswith("Oven start om 12:00: ")
    assert run_in_words(run) == ["Alder battery rests over the coming 24 hours."]
    assert instruction_in_words(instruction, language_of("nl")).startswith("Oven start om 12:00: ")


@pytest.mark.parametrize("stored", [None, [], [{"code": "whim"}], [RESTS, {"code": "rests", "figures": {}}], [7]])
def test_what_cannot_be_told_is_told_as_it_was_written(alder: Household, stored: Any) -> None:
    run = make_plan_run(alder, reasons=stored, summary="One.\n\nTwo.")

    assert run_in_words(run) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("accepts", "language", "words"),
    [
        ("nl-BE,nl;q=0.8,en;q=0.5", "nl", "Alder battery rust in de komende 24 uur."),
        ("fr-FR,fr;q=0.8", "en", "Alder battery rests over the coming 24 hours."),
    ],
)
def test_pages_tell_reasons_in_the_language_of_the_browser(
    client: Client, alder: Household, accepts: str, language: str, words: str
) -> None:
    client.force_login(make_operator())
    run = make_plan_run(alder, reasons=[RESTS])
    instruction = make_instruction(alder, reason_data=RESTS, plan_run=run, status="REJECTED")

    pages = [
        client.get(url, headers={"Accept-Language": accepts})
        for url in (
            f"/admin/cem_service/planrun/{run.pk}/change/",
            f"/admin/cem_service/instruction/{instruction.pk}/change/",
            "/admin/cem_service/instruction/",
        )
    ]

    for page in pages:
        assert words in page.content.decode()
        assert f'lang="{language}"' in page.content.decode()
        assert "Accept-Language" in page["Vary"]
