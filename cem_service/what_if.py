"""Asking what a site's coming day would be like otherwise: a worker computes it, and whoever asks comes back for it.

Not in the process that asks: that one holds devices' sessions, and a plan takes the interpreter for as long as it
takes. Question and answer travel through the queue and the cache, and are forgotten soon; no plan is stored, and
nothing is told to any device.
A page looks for its answer again and again (`begin`, `look`). Who can only wait does so without a transaction (`ask`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.core.cache import cache

from cem_service.domain.tariff import Tariff
from cem_service.domain.what_if import Outcome, WhatIf
from cem_service.loading import load_site, with_history
from cem_service.runtime import Tools
from flexhub.bus.queue import send_task
from flexhub.devices.models import Site

log = structlog.get_logger(__name__)

# A worker that is not at it by then need not begin: nobody waits any more.
PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.05
_KEPT_S = 60
# In place of the answer until a worker has it, or until nobody waits any more.
_ASKED = "asked"
MOST_COMFORT_PERCENT = 50


class WhatIfError(Exception):
    """No answer. Its text is for whoever asked.

    WhatIfError
    ├── NothingConnected  there is no state to start from
    └── NoAnswer          no worker has answered in time: worth asking again
    """


class NothingConnected(WhatIfError):
    pass


class NoAnswer(WhatIfError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Prices are EUR/kWh for each of 24 local hours; None: those of the site. See `domain.what_if.WhatIf`.

    Those of weekends go with the two before them; None: as on other days.
    """

    import_eur_per_kwh: Sequence[float] | None = None
    export_eur_per_kwh: Sequence[float] | None = None
    weekend_import_eur_per_kwh: Sequence[float] | None = None
    weekend_export_eur_per_kwh: Sequence[float] | None = None
    comfort_percent: float = 0.0
    cem_off: bool = False

    def meant(self, present: Tariff) -> WhatIf:
        tariff = None
        if self.import_eur_per_kwh is not None or self.export_eur_per_kwh is not None:
            tariff = Tariff(
                tuple(present.import_eur_per_kwh if self.import_eur_per_kwh is None else self.import_eur_per_kwh),
                tuple(present.export_eur_per_kwh if self.export_eur_per_kwh is None else self.export_eur_per_kwh),
                present.timezone,
                *(
                    None if prices is None else tuple(prices)
                    for prices in (self.weekend_import_eur_per_kwh, self.weekend_export_eur_per_kwh)
                ),
            )
        return WhatIf(tariff=tariff, comfort_percent=self.comfort_percent, cem_off=self.cem_off)


@dataclass(frozen=True, slots=True)
class Comparison:
    as_it_is: Outcome
    otherwise: Outcome


def ask(site: Site, question: Question) -> Comparison:
    """Have it computed, and wait. Raises WhatIfError, and BusUnavailable while Redis is away.

    Not in a transaction, which would be open for as long.
    """
    answer_id = begin(site, question)
    while (found := look(site, answer_id)) is None:
        time.sleep(_LOOK_EVERY_S)
    return found


def begin(site: Site, question: Question) -> str:
    """Have it computed; returns the id of the answer. Raises BusUnavailable while Redis is away."""
    from cem_service import tasks  # Tasks import this.

    answer_id = str(uuid4())
    send_task(
        tasks.what_if,
        life_s=PATIENCE_S,
        tenant_id=site.tenant_id,
        site_id=site.pk,
        answer_id=answer_id,
        question=_as_text(question),
    )
    # A worker may have been quicker.
    cache.add(_key(site.pk, answer_id), _ASKED, PATIENCE_S)
    return answer_id


def look(site: Site, answer_id: str) -> Comparison | None:
    """None while it is computed. Raises WhatIfError, also for an answer that there never was about this site."""
    found: list[dict[str, Any]] | str | None = cache.get(_key(site.pk, answer_id))
    if found is None:
        raise NoAnswer("No worker has answered in time. Ask again in a moment.")
    return None if isinstance(found, str) else _read(found)


def answer(tenant_id: UUID, site_id: UUID, question: str, answer_id: str, *, tools: Tools) -> None:
    """In the worker. Raises BusUnavailable."""
    cache.set(_key(site_id, answer_id), _computed(tenant_id, site_id, _from_text(question), tools), _KEPT_S)


def _computed(tenant_id: UUID, site_id: UUID, question: Question, tools: Tools) -> list[dict[str, Any]]:
    """Two outcomes; none where no device is connected."""
    from cem_service.planners.what_if import compare  # It brings the planners' kernels, which who asks does without.

    loaded = load_site(tenant_id, site_id, bus=tools.bus, now=tools.clock.now(), to_act=False)
    if loaded is None or not loaded.snapshots:
        return []
    began = time.perf_counter()
    state = with_history(loaded).state
    outcomes = compare(state, question.meant(state.tariff))
    log.info("cem.what_if", site_id=str(site_id), duration_ms=round((time.perf_counter() - began) * 1000, 1))
    return [asdict(one) for one in outcomes]


def _read(outcomes: list[dict[str, Any]]) -> Comparison:
    if not outcomes:
        raise NothingConnected("No device of this site is connected, so there is nothing to compute from.")
    return Comparison(*(Outcome(**one | {"missed": tuple(one["missed"])}) for one in outcomes))


def _key(site_id: UUID, answer_id: str) -> str:
    return f"what-if:{site_id}:{answer_id}"


def _as_text(question: Question) -> str:
    """Without what is not asked, which a worker of another release need not know."""
    return json.dumps({name: value for name, value in asdict(question).items() if value is not None})


def _from_text(text: str) -> Question:
    return Question(**json.loads(text))
