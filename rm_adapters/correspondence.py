"""A hosted RM's way to its session: the mail that it gets, and the outbox that it has filled."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flexhub.bus import Envelope, PublishResult, WorkerBus, end_id
from flexhub.bus.mail import Mailbag
from rm_adapters import rows
from rm_adapters.models import HostedRM
from rm_adapters.resource import HostedResource, Outcome
from s2.messages import ReceptionStatus, dump_message

_NO_MAIL = Mailbag(token=None, profile=None, letters=())


class Correspondence:
    """With whoever sits at the other end of the row's link. All of it may raise BusUnavailable."""

    def __init__(self, row: HostedRM, bus: WorkerBus) -> None:
        self._row = row
        self._bus = bus
        self._unread_from = row.last_letter
        link = getattr(row.node, "rm_link", None)
        self._end: UUID | None = None if link is None else end_id(link.pk, "CEM")

    def mail(self) -> Mailbag:
        """What has come since the last letter that was taken in."""
        return _NO_MAIL if self._end is None else self._bus.mail(self._end, after=self._row.last_letter)

    def brings_news(self, bag: Mailbag) -> bool:
        """Whether there is anything in it to take in."""
        if bag.token != self._row.session_token and (self._row.session_token is not None or bag.profile is not None):
            return True
        return bag.token is not None and any(letter.token <= bag.token for letter in bag.letters[:1])

    def drop_taken(self) -> None:
        """Let go of the letters that have had their effect."""
        last = self._row.last_letter
        if self._end is not None and last and last != self._unread_from:
            self._bus.drop_mail(self._end, last)

    def publish(self) -> bool:
        """Send what was decided, in order, and forget it; False where the gateway cannot take it now.

        Raises Overtaken, after which what was sent has been sent by another as well.
        """
        row = self._row
        for message_id, text in row.outbox:
            if self._end is None or row.session_token is None:
                break
            envelope = Envelope(self._end, "message", text, message_id, row.session_token)
            result = self._bus.publish(self._end, envelope)
            if result is PublishResult.FULL:
                return False
            if result is PublishResult.NO_SEAT:
                break  # The session is over, and with it all that was to be said in it.
        if row.outbox:
            rows.store(row, outbox=[], next_at=rows.next_moment(row))
        return True


def store_decision(row: HostedRM, resource: HostedResource, outcome: Outcome, now: datetime, **changes: object) -> None:
    """Keep what was decided, before anybody gets to know of it. Raises Overtaken."""
    outbox = [
        [each.message_id, dump_message(each, resource.profile)]
        for each in outcome.messages
        # The session acknowledges by itself, and without one there is nobody to talk to.
        if not isinstance(each, ReceptionStatus) and resource.profile is not None
    ]
    row.due_at, row.read_at = outcome.due_at, outcome.read_at
    rows.store(
        row,
        state=resource.dump(),
        outbox=outbox,
        due_at=outcome.due_at,
        read_at=outcome.read_at,
        # With something in the outbox it is due at once, for whoever comes after us should we die.
        next_at=now if outbox else rows.next_moment(row),
        observed_at=resource.observed_at,
        **changes,
    )
