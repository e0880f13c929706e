"""Sessions that hear spoilt frames one after another, speak in between, and see time pass."""

from __future__ import annotations

import heapq
import json
from random import Random
from typing import Final

from s2.events import MessageReceived
from tests.soak.mutants import Mutants, size_of
from tests.soak.stages import ALLOWANCES, FAMILIES, LIMIT_S, ROLES, Stage, Step
from tests.support.s2_samples import sample, samples
from tests.support.s2_sessions import CEM, RM

#: So many frames for one session: enough to fill its memories, few enough to begin anew often.
FRAMES_OF_A_SESSION: Final = 400

_SLOWEST_KEPT = 8
_SAID = sorted(set(samples()) - {"SessionRequest"})


class Fuzz:
    """The count of what was fed, and the session that hears it now."""

    def __init__(self, random: Random) -> None:
        self.sessions = self.frames = self.fed = self.accepted = self._numbers = 0
        self.slowest: list[tuple[float, str]] = []
        self._random = random
        self.stage = Stage(CEM, "")

    def play(self, *, timed: bool = False) -> float | None:
        """Play one session to its end. Where a frame takes too long, again and again, stop there, if that is `timed`.

        Returns the CPU seconds of that frame, which is the last one in the script of the stage.
        """
        role, family = self._random.choice(ROLES), self._random.choice(FAMILIES)
        self.stage = Stage.opened(role, family, self._random.choice(ALLOWANCES))
        self.sessions += 1
        mutants = Mutants(self._random, RM if role is CEM else CEM, family)
        for _ in range(FRAMES_OF_A_SESSION):
            if self.stage.session.closed:
                break
            self._live_on()
            text = mutants.next(self.stage.own_ids)
            cost_s = self._feed(text)
            if timed and cost_s > LIMIT_S / 2:
                cost_s = self.stage.cost_again()
            self._note(cost_s, text)
            if timed and cost_s > LIMIT_S:
                return cost_s
        return None

    def _live_on(self) -> None:
        """Time passes now and then, and our side says something, allowed or not."""
        if self._random.random() < 0.1:
            self.stage.do(Step("tick", after_s=self._random.choice((0.1, 1, 5, 20))))
        if self.stage.needs_selection and self._random.random() < 0.5:
            self.stage.select()
        if self._random.random() < 0.2:
            own = sample(self._random.choice(_SAID))
            self._numbers += 1
            own |= {key: f"our-{key}-{self._numbers}" for key in ("message_id", "id") if key in own}
            self.stage.do(Step("say", json.dumps(own)))

    def _feed(self, text: str) -> float:
        cost_s, events = self.stage.do(
            Step("hear", text, self._random.choice((0, 0.01, 0.5)), self._random.random() < 0.98)
        )
        self.frames += 1
        self.fed += size_of(text)
        self.accepted += any(isinstance(event, MessageReceived) for event in events)
        return cost_s

    def _note(self, cost_s: float, text: str) -> None:
        told = (cost_s, f"{size_of(text):,} bytes: {text[:100]!r}")
        self.slowest = heapq.nlargest(_SLOWEST_KEPT, [*self.slowest, told])
