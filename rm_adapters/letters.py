"""What a hosted RM makes of its mail: which session it speaks in, and each letter once. Pure.

The mail of sessions that have ended counts for nothing: nothing of a session outlives it, and to carry out an order
only to take it back at once would wear the device for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from flexhub.bus.mail import Letter, Mailbag
from rm_adapters.resource import HostedResource, Outcome
from s2.errors import S2Error
from s2.messages import ControlType, Instruction, RevokeObject, parse_message
from s2.versions import WireProfile

_Content = WireProfile | ControlType | Instruction | RevokeObject


@dataclass(slots=True)
class Heard:
    """Where the RM stands in its mail. `outcome` is what followed, as if from one call; None where nothing did.

    `unreadable` are the letters that were passed over, with the reason.
    """

    session: int | None
    last_letter: str
    outcome: Outcome | None = None
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        before = self.outcome or Outcome()
        self.outcome = replace(
            outcome,
            messages=before.messages + outcome.messages,
            commands=before.commands + outcome.commands,
            refusals=before.refusals + outcome.refusals,
        )

    def speak_in(self, session: int | None) -> None:
        """What was to be said in the session before has nobody to go to any more.

        Its place in the mail is forgotten too: a Redis that has taken over may count its letters from less.
        """
        self.session, self.last_letter = session, ""
        if self.outcome is not None:
            self.outcome = replace(self.outcome, messages=())


def hear(resource: HostedResource, session: int | None, last_letter: str, bag: Mailbag, now: datetime) -> Heard:
    """Take in the mail up to the first letter that leads to a write: the device has one write at a time.

    `session` is the one that the RM has spoken in, `last_letter` the last one that it took in.
    """
    heard = Heard(session, last_letter)
    for outcome in _events(resource, heard, bag, now):
        heard.add(outcome)
        if outcome.commands:
            break
    return heard


def _events(resource: HostedResource, heard: Heard, bag: Mailbag, now: datetime) -> Iterator[Outcome]:
    if heard.session not in (None, bag.token):
        heard.speak_in(None)
        yield resource.closed(now)
        return  # The bag may begin behind the first letters of the next session.
    if bag.token is None:
        return  # Whose the letters are, the next session shows.
    if bag.profile is not None:
        yield from _opened(resource, heard, bag.token, bag.profile, now)
    for letter in bag.letters:
        if letter.token > bag.token:
            return  # A session began while the bag was being packed.
        heard.last_letter = letter.id
        if letter.token < bag.token:
            continue
        try:
            content = _content(letter)
        except (S2Error, ValueError) as error:
            heard.unreadable.append((letter.id, str(error)))
            continue
        yield from _told(resource, heard, letter.token, content, now)


def _told(resource: HostedResource, heard: Heard, token: int, content: _Content, now: datetime) -> Iterator[Outcome]:
    if isinstance(content, WireProfile):
        yield from _opened(resource, heard, token, content, now)
    elif heard.session == token:
        match content:
            case ControlType():
                yield resource.selected(content, now)
            case RevokeObject():
                yield resource.revoked(content.object_type, content.object_id, now)
            case _:
                yield resource.instructed(content, now)


def _opened(
    resource: HostedResource, heard: Heard, token: int, profile: WireProfile, now: datetime
) -> Iterator[Outcome]:
    """The mailbag and a letter both tell of it; the first one counts."""
    if heard.session != token:
        heard.speak_in(token)
        yield resource.opened(now, profile)


def _content(letter: Letter) -> _Content:
    """Raises S2Error or ValueError for what this version cannot read."""
    match letter.kind:
        case "opened":
            return WireProfile(letter.payload)
        case "selected":
            return ControlType(letter.payload)
    # Both kinds of message are the same in every version.
    return cast(Instruction | RevokeObject, parse_message(letter.payload, WireProfile.V1_0_0))
