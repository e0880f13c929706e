from __future__ import annotations

import ast
import string
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cem_service import domain
from cem_service.domain.decision import Objective
from cem_service.domain.feed import SeriesKind
from cem_service.domain.forecasts import ForecastSource
from cem_service.domain.reason import Figure, Reason, ReasonCode
from cem_service.phrases import LANGUAGES, language_of, sentence

ZONE = ZoneInfo("Europe/Amsterdam")
NOON = "2026-07-01T10:00:00+00:00"
MOVES: dict[str, Figure] = {"name": "Auto", "from_w": 7360.0, "to_w": -1234.5}
LIMITED: dict[str, Figure] = MOVES | {
    "wanted_w": 7360.0,
    "site_w": 18_000.0,
    "limit_w": 17_250.0,
    "usable_w": 16_000.0,
    "source": "Netz",
    "way": "drawing",
}
FREE: dict[str, Figure] = MOVES | {
    "site_before_w": -3000.0,
    "site_after_w": 0.0,
    "buy_eur_per_kwh": 0.25,
    "sell_eur_per_kwh": 0.05,
}
PROGRAM: dict[str, Figure] = {
    "name": "Dishwasher",
    "starts_at": NOON,
    "ends_at": NOON,
    "needs_kwh": 1.25,
    "cost_eur": 0.2,
    "saved_eur": 0.1,
}
ENERGY: dict[str, Figure] = {"takes_kwh": 5.0, "takes_eur_per_kwh": 0.1, "gives_kwh": 4.0, "gives_eur_per_kwh": 0.3}
EXCEEDS: dict[str, Figure] = {"worst_at": NOON, "expected_w": 9000.0, "limit_w": 8000.0, "circuit": "CONNECTION"}
FEED: dict[str, Figure] = {"kind": "price", "source": "ENTSO-E", "age_s": 7260.0, "stretches": f"{NOON}/{NOON}"}
AGED: dict[str, Figure] = {"age_s": 600.0}
SCORED: dict[str, Figure] = {"days": 7.0, "off_by": 0.18}

LIMITS = (Objective.FUSE, Objective.EXPORT_LIMIT, Objective.GRID_LIMIT, Objective.STEERABLE_LIMIT)
EVERY = [
    Reason(ReasonCode.STARTS, figures=PROGRAM | {"saved_eur": 0.001}),
    Reason(ReasonCode.RUNS, Objective.START_TIME, PROGRAM | {"saved_eur": -0.001}),
    *(
        Reason(code, Objective.START_TIME, PROGRAM | {"saved_eur": -0.2})
        for code in (ReasonCode.STARTS, ReasonCode.RUNS, ReasonCode.PAUSES)
    ),
    Reason(ReasonCode.OUTLOOK, figures={"cost_eur": 1.5}),
    Reason(ReasonCode.RESTS, figures={"name": "Auto"}),
    *(
        Reason(ReasonCode.ENERGY, figures={"name": "Auto"} | {key: ENERGY[key] for key in ENERGY if key[:5] in verbs})
        for verbs in (("takes",), ("gives",), ("takes", "gives"))
    ),
    *(Reason(code, figures=PROGRAM) for code in (ReasonCode.STARTS, ReasonCode.TOO_LATE)),
    *(Reason(code, Objective.START_TIME, PROGRAM) for code in (ReasonCode.RUNS, ReasonCode.PAUSES, ReasonCode.GOES_ON)),
    *(
        Reason(ReasonCode.MOVED, one, {"moved_kwh": 1.5, "first_at": NOON, "planned_w": 1000.0, "otherwise_w": 2000.0})
        for one in Objective
    ),
    Reason(ReasonCode.COMFORT, figures={"name": "Auto", "comfort_eur": 1.0}),
    *(
        Reason(ReasonCode.EXCEEDS, one, EXCEEDS)
        for one in (Objective.FUSE, Objective.ACTIVATION, Objective.STEERABLE_LIMIT)
    ),
    Reason(ReasonCode.EXCEEDS, Objective.FUSE, EXCEEDS | {"circuit": "L2"}),
    Reason(ReasonCode.LEFT_OUT, figures={"name": "Auto", "why": "no system description yet"}),
    Reason(ReasonCode.NO_METER),
    Reason(ReasonCode.NO_HISTORY),
    *(
        Reason(code, figures=FEED | {"kind": kind.value})
        for code in ReasonCode
        if code.name.startswith("FEED")
        for kind in SeriesKind
    ),
    *(Reason(ReasonCode.FORECAST, figures=AGED | {"forecast": source.value}) for source in ForecastSource),
    Reason(ReasonCode.FORECAST, figures={"forecast": "weather"}),
    Reason(ReasonCode.FORECAST_NEW),
    *(Reason(ReasonCode.FORECAST_SCORE, figures=SCORED | floor) for floor in ({}, {"floor_off_by": 0.4})),
    *(Reason(ReasonCode.DECIDED, one, LIMITED | {"way": way}) for one in LIMITS for way in ("drawing", "feeding_in")),
    Reason(
        ReasonCode.DECIDED,
        Objective.FUSE,
        MOVES | {"wanted_w": 7360.0, "load_w": 7e3, "usable_w": 4e3, "circuit": "L1"},
    ),
    *(
        Reason(ReasonCode.DECIDED, one, FREE | worth)
        for one in (Objective.TARGET, Objective.SELF_CONSUMPTION, Objective.PRICE, Objective.TAKE_CONTROL)
        for worth in ({}, {"worth_eur_per_kwh": 0.2})
    ),
]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_reason_has_a_sentence(code: str) -> None:
    told = [sentence(reason, language_of(code), ZONE) for reason in EVERY]

    assert {reason.code for reason in EVERY} == set(ReasonCode)
    assert all(one.endswith(".") and one[0].isupper() and "{" not in one for one in told)


def test_no_sentence_is_told_in_another_language() -> None:
    english, dutch = (
        {sentence(reason, LANGUAGES[code], ZONE) for reason in EVERY if reason.objective is not Objective.TARGET}
        for code in ("en", "nl")
    )

    assert not english & dutch


@pytest.mark.parametrize("code", LANGUAGES)
def test_languages_say_the_same_with_the_same_figures(code: str) -> None:
    english, other = LANGUAGES["en"].sentences, LANGUAGES[code].sentences

    assert other.keys() == english.keys()
    for key in english:
        assert _places(other[key]) == _places(english[key]), key


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_objective_and_feed_has_a_name(code: str) -> None:
    language = LANGUAGES[code]

    assert language.objectives.keys() == set(Objective)
    assert language.kinds.keys() == language.instead.keys() == set(SeriesKind)
    assert language.forecasts.keys() == set(ForecastSource)
    assert len(language.months) == 12


ENGLISH = "Auto goes from 7,360 W to -1,234 W: buying costs 0.25 and feeding in earns 0.05 EUR/kWh."
DUTCH = "Auto gaat van 7.360 W naar -1.234 W: inkopen kost 0,25 en terugleveren brengt 0,05 EUR/kWh op."


@pytest.mark.parametrize(("code", "expected"), [("en", ENGLISH), ("nl", DUTCH)])
def test_numbers_are_written_as_the_language_writes_them(code: str, expected: str) -> None:
    assert sentence(Reason(ReasonCode.DECIDED, Objective.PRICE, FREE), language_of(code), ZONE) == expected


def test_a_gain_that_is_none_is_not_told_as_one() -> None:
    told = sentence(Reason(ReasonCode.STARTS, figures=PROGRAM | {"saved_eur": 0.0049}), language_of("en"), ZONE)

    assert told == "Dishwasher starts at 12:00 and costs 0.20 EUR; another moment would save nothing."


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("en", "At 12:00 9,000 W are expected, and with the limit on steerable devices the site may draw 8,000 W."),
        (
            "nl",
            "Om 12:00 wordt 9.000 W verwacht, en met de grens voor regelbare apparaten mag het pand 8.000 W afnemen.",
        ),
    ],
)
def test_what_the_household_draws_is_not_told_as_allowed_to_steerable_devices(code: str, expected: str) -> None:
    """The figure is the limit of the site: what the rest draws, and what was set for these on top."""
    told = sentence(Reason(ReasonCode.EXCEEDS, Objective.STEERABLE_LIMIT, EXCEEDS), language_of(code), ZONE)

    assert told == expected


def test_moments_are_told_in_the_sites_zone_and_days_in_the_language() -> None:
    stretch = "2026-05-01T20:00:00+00:00/2026-05-02T23:00:00+00:00"
    reason = Reason(ReasonCode.FEED_HOLES, figures=FEED | {"stretches": stretch})

    told = sentence(reason, language_of("nl"), ZONE)

    assert told == "Prijzen voor 01 mei 22:00-03 mei 01:00 ontbreken bij ENTSO-E; die van het tarief gelden."


@pytest.mark.parametrize(("asked", "code"), [("nl-BE", "nl"), ("NL", "nl"), ("en-GB", "en"), ("fr", "en"), ("", "en")])
def test_an_unknown_language_is_english(asked: str, code: str) -> None:
    assert language_of(asked).code == code


def test_a_braced_name_is_only_a_name() -> None:
    reason = Reason(ReasonCode.RESTS, figures={"name": "{why.__class__}"})

    assert sentence(reason, language_of("en"), ZONE) == "{why.__class__} rests over the coming 24 hours."


def test_why_a_resource_is_left_out_is_known_in_dutch() -> None:
    """What the domain says in English stands in its code; each has to be a piece of the language."""
    said = {text for path in Path(domain.__file__).parent.glob("*.py") for text in _excuses(path)}
    dutch = language_of("nl")

    assert len(said) > 8
    assert [text for text in said if dutch.piece(text) == text] == []


def _excuses(path: Path) -> set[str]:
    """What is given as `not_ready`, or returned by `_what_is_missing`."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "not_ready":
            found.append(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name == "_what_is_missing":
            found += [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
    texts = {part for value in found if value is not None for part in _texts(value)}
    return {text for text in texts if " " in text}


def _texts(value: ast.expr) -> set[str]:
    """Constants in it; of a text that is put together only how it begins."""
    if isinstance(value, ast.JoinedStr):
        return _texts(value.values[0]) if isinstance(value.values[0], ast.Constant) else set()
    if isinstance(value, ast.Constant):
        return {value.value} if isinstance(value.value, str) else set()
    if isinstance(value, ast.IfExp):
        return _texts(value.body) | _texts(value.orelse)
    return set()


def _places(text: str) -> set[str]:
    """Names and forms of the places in a sentence, without what only one language has to say twice."""
    places = {(name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name}
    return {f"{name.lower()}:{spec}" for name, spec in places}


def test_a_battery_is_told_of_by_what_its_energy_costs_and_saves() -> None:
    reason = Reason(ReasonCode.ENERGY, figures={"name": "Accu"} | ENERGY)

    told = {code: sentence(reason, language_of(code), ZONE) for code in ("en", "nl")}

    assert told["en"] == (
        "Accu takes 5.0 kWh over the coming 24 hours, which costs 0.10 EUR/kWh on average, and gives 4.0 kWh, which "
        "saves or earns 0.30 EUR/kWh."
    )
    assert told["nl"] == (
        "Accu neemt in de komende 24 uur 5,0 kWh op, voor gemiddeld 0,10 EUR/kWh, en geeft 4,0 kWh af, wat gemiddeld "
        "0,30 EUR/kWh bespaart of oplevert."
    )
