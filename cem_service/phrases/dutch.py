"""Reasons in Dutch, in the words of a household's bill and meter cupboard."""

from __future__ import annotations

from cem_service.domain.decision import Objective
from cem_service.domain.feed import SeriesKind
from cem_service.domain.forecasts import ForecastSource
from cem_service.phrases.language import Language

_MOVES = "{name} gaat van {from_w:z,.0f} W naar {to_w:z,.0f} W"
_INSTEAD = _MOVES + " in plaats van {wanted_w:z,.0f} W: "
_MONEY = "inkopen kost {buy_eur_per_kwh:z.2f} en terugleveren brengt {sell_eur_per_kwh:z.2f} EUR/kWh op"
_WORTH = ", en een opgeslagen kWh is later {worth_eur_per_kwh:z.2f} EUR waard"
_COMING = "in de komende 24 uur"

DUTCH = Language(
    code="nl",
    sentences={
        "outlook": "Verwachte kosten van de komende dag: {cost_eur:z.2f} EUR.",
        # -- What a plan does with a resource --------------------------------------------------------------------------
        "rests": "{name} rust " + _COMING + ".",
        "energy.takes": "{name} neemt " + _COMING + " {takes_kwh:z.1f} kWh af, voor gemiddeld "
        "{takes_eur_per_kwh:z.2f} EUR/kWh.",
        "energy.gives": "{name} geeft " + _COMING + " {gives_kwh:z.1f} kWh af, wat gemiddeld "
        "{gives_eur_per_kwh:z.2f} EUR/kWh bespaart of oplevert.",
        "energy.both": "{name} neemt " + _COMING + " {takes_kwh:z.1f} kWh op, voor gemiddeld "
        "{takes_eur_per_kwh:z.2f} EUR/kWh, en geeft {gives_kwh:z.1f} kWh af, wat gemiddeld {gives_eur_per_kwh:z.2f} "
        "EUR/kWh bespaart of oplevert.",
        "starts": "{name} start om {starts_at:%H:%M} en kost {cost_eur:z.2f} EUR, {saved_eur:z.2f} EUR minder dan nu "
        "meteen.",
        "starts.at_any_time": "{name} start om {starts_at:%H:%M} en kost {cost_eur:z.2f} EUR; een ander moment "
        "bespaart niets.",
        "starts.forced": "{name} start om {starts_at:%H:%M} en kost {cost_eur:z.2f} EUR. Dat is niet het goedkoopste "
        "moment, maar wat vóór de prijs gaat sluit dat uit.",
        "too_late": "{name} start om {starts_at:%H:%M}: er is te weinig tijd voor, dus het begint zo snel mogelijk.",
        "moved": "{Objective} verschuift er {moved_kwh:z.1f} kWh van: om {first_at:%H:%M} is het {planned_w:z,.0f} W "
        "in plaats van {otherwise_w:z,.0f} W.",
        "comfort": "{name} kan niet alle doelen halen.",
        # -- What cannot be kept, and what is missing ------------------------------------------------------------------
        "exceeds": "Om {worst_at:%H:%M} wordt {expected_w:z,.0f} W verwacht en {objective} staat {limit_w:z,.0f} W "
        "toe.",
        "exceeds.phase": "Om {worst_at:%H:%M} wordt {expected_w:z,.0f} W op {circuit} verwacht en {objective} staat "
        "{limit_w:z,.0f} W toe.",
        "exceeds.steerable_limit": "Om {worst_at:%H:%M} wordt {expected_w:z,.0f} W verwacht, en met {objective} mag "
        "het pand {limit_w:z,.0f} W afnemen.",
        "exceeds.activation": "Om {worst_at:%H:%M} wordt {expected_w:z,.0f} W verwacht en {objective} vraagt "
        "{limit_w:z,.0f} W.",
        "left_out": "{name} doet niet mee: {why}.",
        "no_meter": "Er is geen recente stand van de hoofdmeter; alleen gemeten apparaten tellen mee.",
        "no_history": "Er is nog geen geschiedenis van het overige verbruik; het wordt genomen zoals het nu is.",
        "feed_new": "{kind} van {source} zijn er nog niet; {instead}.",
        "feed_old": "{kind} van {source} zijn {age} oud, en dat is te oud; {instead}.",
        "feed_late": "{kind} van {source} zijn te laat: de laatste zijn {age} oud.",
        "feed_holes": "{kind} voor {stretches} ontbreken bij {source}; {instead}.",
        "more_stretches": " en nog {number:.0f} perioden",
        # -- What a plan expects of what it does not steer -------------------------------------------------------------
        "forecast": "Voorspeld uit {forecast}.",
        "forecast.aged": "Voorspeld uit {forecast}, {age} oud.",
        "forecast_new": "Dat is nog niet beoordeeld.",
        "forecast_score": "Gemiddeld {off_by:.0%} van het gemiddelde vermogen ernaast (beoordeelde dagen: {days:.0f}).",
        "forecast_score.compared": "Gemiddeld {off_by:.0%} van het gemiddelde vermogen ernaast (beoordeelde dagen: "
        "{days:.0f}); de dag ervoor herhalen had er {floor_off_by:.0%} naast gezeten.",
        # -- What an instruction is for --------------------------------------------------------------------------------
        "decided.fuse": _INSTEAD + "anders zou het pand {site_w:z,.0f} W afnemen, en van de {limit_w:z,.0f} W van de "
        "zekering mag {usable_w:z,.0f} W worden ingepland.",
        "decided.fuse.phase": _INSTEAD + "anders zou er {load_w:z,.0f} W over {circuit} gaan, en op een fase mag "
        "{usable_w:z,.0f} W worden ingepland.",
        "decided.export_limit": _INSTEAD + "anders zou het pand {site_w:z,.0f} W terugleveren, en van de toegestane "
        "{limit_w:z,.0f} W mag {usable_w:z,.0f} W worden ingepland.",
        "decided.grid_limit.drawing": _INSTEAD + "{source} staat het pand nu {limit_w:z,.0f} W afname toe.",
        "decided.grid_limit.feeding_in": _INSTEAD + "{source} staat het pand nu {limit_w:z,.0f} W teruglevering toe.",
        "decided.steerable_limit": _INSTEAD + "{source} staat alle regelbare apparaten samen nu {limit_w:z,.0f} W toe.",
        "decided.target": _MOVES + ": het moet zijn doelniveau halen, en energie kost nu {buy_eur_per_kwh:z.2f} "
        "EUR/kWh.",
        "decided.self_consumption": _MOVES + " en brengt het pand van {site_before_w:z,.0f} W naar "
        "{site_after_w:z,.0f} W: " + _MONEY + ".",
        "decided.self_consumption.stored": _MOVES + " en brengt het pand van {site_before_w:z,.0f} W naar "
        "{site_after_w:z,.0f} W: " + _MONEY + _WORTH + ".",
        "decided.take_control": "{name} staat op {to_w:z,.0f} W en blijft zo: " + _MONEY + ".",
        "decided.take_control.stored": "{name} staat op {to_w:z,.0f} W en blijft zo: " + _MONEY + _WORTH + ".",
        "decided.price": _MOVES + ": " + _MONEY + ".",
        "decided.price.stored": _MOVES + ": " + _MONEY + _WORTH + ".",
        "runs": "{name} start om {starts_at:%H:%M}: de {needs_kwh:z.2f} kWh kosten dan {cost_eur:z.2f} EUR, "
        "{saved_eur:z.2f} EUR minder dan nu meteen.",
        "runs.at_any_time": "{name} start om {starts_at:%H:%M}: de {needs_kwh:z.2f} kWh kosten dan {cost_eur:z.2f} "
        "EUR, en een ander moment bespaart niets.",
        "runs.forced": "{name} start om {starts_at:%H:%M}: de {needs_kwh:z.2f} kWh kosten dan {cost_eur:z.2f} EUR. Dat "
        "is niet het goedkoopste moment, maar wat vóór de prijs gaat sluit dat uit.",
        "pauses": "{name} pauzeert van {starts_at:%H:%M} tot {ends_at:%H:%M}: wat nog moet draaien kost zo "
        "{cost_eur:z.2f} EUR, {saved_eur:z.2f} EUR minder dan in één keer.",
        "pauses.forced": "{name} pauzeert van {starts_at:%H:%M} tot {ends_at:%H:%M} voor wat vóór de prijs gaat: wat "
        "nog moet draaien kost zo {cost_eur:z.2f} EUR.",
        "goes_on": "{name} gaat om {starts_at:%H:%M} verder: de overige {needs_kwh:z.2f} kWh zijn dan het goedkoopst.",
    },
    objectives={
        Objective.FUSE: "de zekering",
        Objective.EXPORT_LIMIT: "de grens voor teruglevering",
        Objective.GRID_LIMIT: "de grens van het net",
        Objective.STEERABLE_LIMIT: "de grens voor regelbare apparaten",
        Objective.ACTIVATION: "een aanvaarde activering",
        Objective.TARGET: "het doel",
        Objective.SELF_CONSUMPTION: "het gebruik van eigen stroom",
        Objective.CARBON: "de CO₂ van het net",
        Objective.CAPACITY_TARIFF: "het capaciteitstarief",
        Objective.BANDWIDTH: "de bandbreedte van het contract",
        Objective.PRICE: "de prijs",
        Objective.START_TIME: "de starttijd",
        Objective.TAKE_CONTROL: "het overnemen van de regeling",
    },
    kinds={
        SeriesKind.PRICE: "Prijzen",
        SeriesKind.EXPORT_PRICE: "Prijzen voor teruglevering",
        SeriesKind.GRID_CARBON: "Waarden voor de CO₂ van het net",
        SeriesKind.IRRADIANCE: "Waarden voor de zonnestraling",
        SeriesKind.TEMPERATURE: "Temperaturen",
        SeriesKind.IMPORT_LIMIT: "Grenzen voor afname",
        SeriesKind.EXPORT_LIMIT: "Grenzen voor teruglevering",
    },
    instead={
        SeriesKind.PRICE: "die van het tarief gelden",
        SeriesKind.EXPORT_PRICE: "die van het tarief gelden",
        SeriesKind.GRID_CARBON: "een gebruikelijke waarde geldt",
        SeriesKind.IRRADIANCE: "de afgelopen dagen tellen",
        SeriesKind.TEMPERATURE: "de afgelopen dagen tellen",
        SeriesKind.IMPORT_LIMIT: "de grenzen van de aansluiting gelden",
        SeriesKind.EXPORT_LIMIT: "de grenzen van de aansluiting gelden",
    },
    forecasts={
        ForecastSource.DEVICE: "de eigen voorspelling van het apparaat",
        ForecastSource.WEATHER: "het weer",
        ForecastSource.USUAL_DAY: "de gebruikelijke dag",
        ForecastSource.PERSISTENCE: "een herhaling van de dag ervoor",
        ForecastSource.DAYLIGHT: "de uren met daglicht",
        ForecastSource.PRESENT: "wat tot nu toe gemeten is",
    },
    months=("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"),
    pieces={
        "no power constraints in force": "er gelden geen vermogensgrenzen",
        "its power constraints offer no electric quantity with both limits": "de vermogensgrenzen noemen voor geen "
        "elektrische grootheid beide grenzen",
        "no system description yet": "er is nog geen systeembeschrijving",
        "its system description holds from ": "de systeembeschrijving geldt vanaf ",
        "no storage status yet": "er is nog geen stand van de opslag",
        "no demand told yet": "er is nog geen vraag gemeld",
        "no actuator status yet, or one with an unknown mode": "er is nog geen toestand, of één met een onbekende "
        "modus",
        "no status yet, or one with an unknown mode": "er is nog geen toestand, of één met een onbekende modus",
        "all its operation modes are for abnormal conditions": "alle modi zijn voor noodgevallen",
        "a mistake in this software stands in its way": "een fout in deze software staat in de weg",
        "no power profile to place": "er is geen programma om in te plannen",
        "its power profile has already run or is running": "het programma heeft al gedraaid of draait",
        "the window of its power profile ended at ": "de tijd voor het programma liep af op ",
    },
    marks=".,",
)
