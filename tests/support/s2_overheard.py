"""A conversation between two others, told message by message to an observer, in simulated time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from s2.messages import EnergyManagementRole
from s2.observer import Observed, Observer
from s2.versions import WireProfile
from tests.support.s2_samples import sample
from tests.support.s2_sessions import ALL_CONTROL_TYPES, CEM, CONTROLLED, MENU, NOW, RM, new_id, text

NEW_MODES = [
    {"id": mode_id, "diagnostic_label": mode_id, "elements": mode["elements"], "abnormal_condition_only": False}
    for mode in sample("FRBC.SystemDescription")["actuators"][0]["operation_modes"]
    for mode_id in [mode["id"].replace("mode", "new")]
]


class Overheard:
    """What is said comes back as what is wrong with it: the side that is wrong, and the rule."""

    def __init__(self, agreed: WireProfile | None = WireProfile.V1_0_0, **options: Any) -> None:
        self.now = NOW
        self.observer = Observer(agreed, **options)

    def hear(self, role: EnergyManagementRole, text: str) -> list[str]:
        return _named(self.observer.feed(text, role, self.now))

    def say(self, speaker: EnergyManagementRole, message_type: str, /, **changes: Any) -> list[str]:
        """Say it without waiting for an answer. `message_id` may be given."""
        return self.hear(speaker, text(message_type, **changes))

    def answer(self, role: EnergyManagementRole, subject_id: str, status: str = "OK") -> list[str]:
        return self.hear(role, text("ReceptionStatus", subject_message_id=subject_id, status=status))

    def rm(self, message_type: str, /, answered: str = "OK", **changes: Any) -> list[str]:
        """The RM says it, and the CEM answers."""
        return self._exchange(RM, CEM, message_type, answered, changes)

    def cem(self, message_type: str, /, answered: str = "OK", **changes: Any) -> list[str]:
        """The CEM says it, and the RM answers."""
        return self._exchange(CEM, RM, message_type, answered, changes)

    def wait(self, seconds: float) -> list[str]:
        self.now += timedelta(seconds=seconds)
        return _named(self.observer.tick(self.now))

    def open(self, family: str | None = None, *menu: str) -> Overheard:
        """Come as far as this control type, with the given menu."""
        heard = self.rm("ResourceManagerDetails", available_control_types=ALL_CONTROL_TYPES)
        if family is not None:
            heard += self.select(family)
        for message_type in menu:
            heard += self.rm(message_type)
        assert not any(each.endswith("error") for each in heard)
        return self

    def offer(self, family: str) -> Overheard:
        return self.open(family, *MENU[family])

    def select(self, family: str, answered: str = "OK") -> list[str]:
        return self.cem("SelectControlType", answered, control_type=CONTROLLED[family].value)

    def _exchange(
        self,
        speaker: EnergyManagementRole,
        listener: EnergyManagementRole,
        message_type: str,
        status: str,
        changes: dict[str, object],
    ) -> list[str]:
        message_id = str(changes.pop("message_id", new_id()))
        heard = self.say(speaker, message_type, message_id=message_id, **changes)
        return heard + self.answer(listener, message_id, status)


def _named(observed: tuple[Observed, ...]) -> list[str]:
    return [f"{each.by.value} {each.finding.rule} {each.finding.severity.value}" for each in observed]


def other_menu() -> dict[str, Any]:
    """The sample menu of FRBC under other mode ids."""
    (actuator,) = sample("FRBC.SystemDescription")["actuators"]
    return {"actuators": [actuator | {"operation_modes": NEW_MODES, "transitions": []}]}


def instruct(talk: Overheard, mode: str = "mode-on", **changes: Any) -> list[str]:
    return talk.cem("FRBC.Instruction", **{"id": new_id(), "operation_mode": mode, **changes})
