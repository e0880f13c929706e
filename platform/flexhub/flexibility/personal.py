"""What pools hold about a household: that its sites are in one."""

from __future__ import annotations

from flexhub.flexibility.models import Enrolment
from tenants import deletion
from tenants.audit import Actor
from tenants.privacy.holdings import RowHolding, Things, hold, not_personal


class Enrolments(RowHolding):
    def __init__(self) -> None:
        super().__init__(Enrolment, "site")

    def stop(self, things: Things, *, actor: Actor) -> None:
        """From now on the aggregator counts on them no more."""
        deletion.delete(Enrolment.objects.filter(site__in=things.sites), actor=actor)


hold(Enrolments())
not_personal("flexibility.Pool", "an aggregator's, under which nobody sees a site")
