"""Sessions, messages and conversations for tests: two ends back to back, in simulated time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from s2.conversation import Conversation
from s2.errors import LocalProtocolError
from s2.events import Event
from s2.messages import ControlType, EnergyManagementRole, Message, ReceptionStatusValues, parse_message
from s2.session import Session
from s2.versions import ALL_PROFILES, WireProfile
from tests.support.s2_samples import sample

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
CEM, RM = EnergyManagementRole.CEM, EnergyManagementRole.RM

CONTROLLED = {
    "PEBC": ControlType.POWER_ENVELOPE_BASED_CONTROL,
    "PPBC": ControlType.POWER_PROFILE_BASED_CONTROL,
    "OMBC": ControlType.OPERATION_MODE_BASED_CONTROL,
    "FRBC": ControlType.FILL_RATE_BASED_CONTROL,
    "DDBC": ControlType.DEMAND_DRIVEN_BASED_CONTROL,
}
ALL_CONTROL_TYPES = tuple(control_type.value for control_type in CONTROLLED.values())

_number = itertools.count(1)


def new_id() -> str:
    return f"id-{next(_number)}"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    return at(seconds).isoformat()


def text(message_type: str, **changes: object) -> str:
    """The sample as wire text, under a message_id of its own."""
    if message_type != "ReceptionStatus":
        changes = {"message_id": new_id(), **changes}
    return json.dumps(sample(message_type, WireProfile.V1_0_0, **changes))


def message(message_type: str, **changes: object) -> Message:
    return parse_message(text(message_type, **changes), WireProfile.V1_0_0)


def details(**changes: object) -> Message:
    return message("ResourceManagerDetails", **{"available_control_types": ALL_CONTROL_TYPES, **changes})


def details_without(key: str) -> Message:
    """The details without one of their optional parts."""
    document = sample("ResourceManagerDetails", WireProfile.V1_0_0, available_control_types=ALL_CONTROL_TYPES)
    del document[key]
    return parse_message(json.dumps(document), WireProfile.V1_0_0)


def selection(family: str) -> Message:
    return message("SelectControlType", control_type=CONTROLLED[family].value)


def conversation(family: str | None = None) -> Conversation:
    """A conversation that has come as far as this control type, with nothing on the menu yet."""
    talk = Conversation(ALL_PROFILES, agreed=WireProfile.V1_0_0, crossing_time=timedelta(seconds=10))
    talk.apply(details(), RM, NOW)
    if family is not None:
        talk.apply(selection(family), CEM, NOW)
    return talk


class Pair:
    """A CEM and an RM, joined; what each of them experienced is kept."""

    def __init__(self, make_id: Callable[[], str] = new_id) -> None:
        self.now = NOW
        self.cem = Session(CEM, new_id=make_id)
        self.rm = Session(RM, new_id=make_id)
        self.cem_events: list[Event] = []
        self.rm_events: list[Event] = []
        self.to_rm: list[str] = []
        self.to_cem: list[str] = []

    def deliver(self) -> None:
        """Carry texts over until both sides are silent."""
        while True:
            to_rm, to_cem = self.cem.data_to_send(), self.rm.data_to_send()
            if not to_rm and not to_cem:
                return
            self.to_rm += to_rm
            self.to_cem += to_cem
            for each in to_rm:
                self.rm_events += self.rm.receive_text(each, self.now)
            for each in to_cem:
                self.cem_events += self.cem.receive_text(each, self.now)

    def open(self, family: str | None = None) -> Pair:
        """Come as far as this control type, or as far as the details without one."""
        self.cem_events += self.cem.start(self.now)
        self.rm_events += self.rm.start(self.now)
        self.deliver()
        self.rm_says(details())
        if family is not None:
            self.cem_says(selection(family))
        return self

    def offer(self, family: str) -> Pair:
        """Come as far as this control type, with the sample menu published."""
        self.open(family)
        for message_type in MENU[family]:
            self.rm_says(message(message_type))
        return self

    def cem_says(self, each: Message) -> None:
        self.cem.send(each, self.now)
        self.deliver()

    def rm_says(self, each: Message) -> None:
        self.rm.send(each, self.now)
        self.deliver()

    def cem_hears(self, wire_text: str, *, available: bool = True) -> list[Event]:
        """Let the CEM read a text that our own RM would not send."""
        return self.cem.receive_text(wire_text, self.now, available=available)

    def rm_hears(self, wire_text: str) -> list[Event]:
        return self.rm.receive_text(wire_text, self.now)


MENU = {
    "PEBC": ("PEBC.PowerConstraints",),
    "PPBC": ("PPBC.PowerProfileDefinition", "PPBC.PowerProfileStatus"),
    "OMBC": ("OMBC.SystemDescription", "OMBC.Status"),
    "FRBC": ("FRBC.SystemDescription", "FRBC.ActuatorStatus", "FRBC.StorageStatus"),
    "DDBC": ("DDBC.SystemDescription", "DDBC.ActuatorStatus"),
}


def answers(texts: Iterable[str]) -> list[dict[str, str]]:
    """The ReceptionStatuses among the texts."""
    return [each for each in map(json.loads, texts) if each["message_type"] == "ReceptionStatus"]


def statuses(texts: Iterable[str]) -> list[ReceptionStatusValues]:
    return [ReceptionStatusValues(each["status"]) for each in answers(texts)]


def only(kind: type[Event], events: Iterable[Event]) -> Event:
    """The one event of that kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def kinds(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def try_to_send(session: Session, each: Message, now: datetime) -> None:
    """Send unless that would break a rule, as careless shells do."""
    try:
        session.send(each, now)
    except LocalProtocolError:
        return
