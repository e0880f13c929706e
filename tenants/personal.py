"""What this app holds about a household: its name, and the people who live there."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from tenants import audit, deletion
from tenants.audit import Actor
from tenants.models import Household, Membership, User
from tenants.privacy.holdings import File, Holding, Things, as_line, as_lines, hold, not_personal
from tenants.scope import platform_scope


class People(Holding):
    """Residents lose their membership first of all, and their account where it was for this household only."""

    models = (Household, Membership, User)

    def find(self, things: Things) -> dict[str, list[str]]:
        with platform_scope("find the residents of a household"):
            people = User.objects.filter(memberships__household_id=things.household_id).order_by("pk")
            accounts = people.filter(is_superuser=False).exclude(
                pk__in=Membership.objects.exclude(household_id=things.household_id).values("user")
            )
            return {"people": _keys(people), "accounts": _keys(accounts)}

    def files(self, things: Things) -> Iterator[File]:
        yield "tenants.household.jsonl", as_lines(Household.objects.filter(pk=things.household_id))
        memberships = Membership.objects.filter(household_id=things.household_id).order_by("pk")
        yield "tenants.membership.jsonl", as_lines(memberships)
        yield "tenants.user.jsonl", (as_line(audit.fields_of(each.user)) for each in memberships.select_related("user"))

    def stop(self, things: Things, *, actor: Actor) -> None:
        """Their living sessions end with the account or, of those who stay, with the membership: at the next click."""
        deletion.delete(Membership.objects.filter(household_id=things.household_id), actor=actor)
        with platform_scope("delete the accounts of an erased household"):
            deletion.delete(User.objects.filter(pk__in=things.found["accounts"], memberships=None), actor=actor)

    def erase(self, things: Things) -> None:
        deletion.delete(Household.objects.filter(pk=things.household_id), actor=None)


def _keys(people: QuerySet[User]) -> list[str]:
    return [str(key) for key in people.values_list("pk", flat=True)]


hold(People())
not_personal("tenants.Tenant", "an organisation")
not_personal("tenants.APIClient", "a program of an organisation")
not_personal("tenants.APIClientSecret", "of a program of an organisation")
not_personal("tenants.APIAccessToken", "of a program of an organisation")
not_personal("tenants.DataKey", "a tenant's key, wrapped")
not_personal("tenants.Quota", "numbers")
not_personal("tenants.AuditEntry", "stays as proof; what it says of the household is exported, and blanked")
not_personal("tenants.Erasure", "holds ids alone, and these until the erasure is done")
not_personal("tenants.Retention", "numbers of days")
not_personal("tenants.User_groups", "there are no groups; goes with the account")
not_personal("tenants.User_user_permissions", "nobody has permissions of their own; goes with the account")
not_personal("admin.LogEntry", "nothing writes it: the trail has its place; goes with the account")
