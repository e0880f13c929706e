"""How a case of a rule is written: as utterances, of which the last one is judged, or as a scene of two sessions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from s2.conversation import Conversation
from s2.events import AcknowledgementMissing, Event, MessageReceived, MessageRefused, ReceptionUnmatched
from s2.findings import Finding, errors_of
from s2.messages import EnergyManagementRole, Message
from s2.rules import RULES
from s2.versions import ALL_PROFILES
from tests.support.s2_samples import sample
from tests.support.s2_sessions import CEM, NOW, RM, Pair, conversation, message

Utterance = tuple[EnergyManagementRole, str, dict[str, Any]]
Scene = Callable[[], set[str]]


@dataclass(frozen=True)
class RuleCase:
    """Two scenes, each of which returns the numbers of the rules found broken: with the rule, and without it."""

    breaks: Scene
    keeps: Scene


def judged(*utterances: Utterance, after_s: float = 0) -> Scene:
    """The last utterance is judged, `after_s` seconds after the others were taken in."""

    return partial(rules_broken, *utterances, after_s=after_s)


def rules_broken(*utterances: Utterance, after_s: float = 0, of: Container[str] = RULES) -> set[str]:
    """The rules, `of` those that matter, that the last utterance breaks, `after_s` seconds after the others."""
    return {finding.rule for finding in findings_on_last(*utterances, after_s=after_s, of=of)}


def findings_on_last(*utterances: Utterance, after_s: float = 0, of: Container[str] = RULES) -> list[Finding]:
    """What is found in the last utterance, as for `rules_broken`."""
    talk, sender, last = _told(utterances)
    return [each for each in talk.judge(last, sender, NOW + timedelta(seconds=after_s)) if each.rule in of]


def refused(*utterances: Utterance) -> Scene:
    """The receiver refuses the last utterance, in which nothing is wrong."""

    def play() -> set[str]:
        talk, sender, last = _told(utterances)
        assert not errors_of(talk.judge(last, sender, NOW))
        return {finding.rule for finding in talk.refused(last, sender, NOW)}

    return play


def _told(utterances: tuple[Utterance, ...]) -> tuple[Conversation, EnergyManagementRole, Message]:
    *before, (sender, message_type, changes) = utterances
    if message_type in ("Handshake", "HandshakeResponse"):
        talk = Conversation(ALL_PROFILES, agreed=None, crossing_time=timedelta(seconds=10))
    else:
        talk = conversation(message_type.split(".")[0] if "." in message_type else "FRBC")
    for their_side, their_type, their_changes in before:
        talk.apply(message(their_type, **their_changes), their_side, NOW)
    return talk, sender, message(message_type, **changes)


def case(breaks: list[Utterance], keeps: list[Utterance]) -> RuleCase:
    return RuleCase(judged(*breaks), judged(*keeps))


def permitted(uses: list[Utterance], does_not: list[Utterance]) -> RuleCase:
    """A permission is broken by the receiver that refuses what makes use of it."""
    return RuleCase(refused(*uses), refused(*does_not))


def rm(message_type: str, **changes: Any) -> Utterance:
    return (RM, message_type, changes)


def cem(message_type: str, **changes: Any) -> Utterance:
    return (CEM, message_type, changes)


def edited(message_type: str, path: str, value: object) -> Utterance:
    """The RM's sample with one inner value changed; `path` as in "actuators.0.timers"."""
    document = copy.deepcopy(sample(message_type))
    del document["message_id"], document["message_type"]
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value
    return (RM, message_type, document)


def span(start: float, end: float) -> dict[str, float]:
    return {"start_of_range": start, "end_of_range": end}


def rules_of(events: list[Event]) -> set[str]:
    bearers = (MessageReceived, MessageRefused, ReceptionUnmatched, AcknowledgementMissing)
    return {finding.rule for event in events if isinstance(event, bearers) for finding in event.findings}


def heard_by_cem(*texts: str, family: str | None = "FRBC") -> Scene:
    def play() -> set[str]:
        pair = Pair().open(family)
        events = [event for each in texts for event in pair.cem_hears(each)]
        return rules_of(events)

    return play


MENU_FRBC = rm("FRBC.SystemDescription")
MENU_OMBC = rm("OMBC.SystemDescription")
IN_MODE_OFF = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-off")
IN_MODE_ON = rm("FRBC.ActuatorStatus", active_operation_mode_id="mode-on")
INSTRUCTED = cem("FRBC.Instruction")
