"""What hosted RMs hold about a household: its devices at vendors, and the accounts that lead to them."""

from __future__ import annotations

from django.conf import settings

from rm_adapters import removal
from rm_adapters.models import HostedRM, VendorAccount
from tenants import deletion
from tenants.audit import Actor
from tenants.privacy.holdings import RowHolding, Things, hold


class HostedRMs(RowHolding):
    """A device has to be given back to itself first, which its vendor's cloud is asked for an hour at most."""

    def __init__(self) -> None:
        super().__init__(HostedRM, "node__site")

    def stop(self, things: Things, *, actor: Actor) -> None:
        for row in HostedRM.objects.filter(node__site__in=things.sites):
            removal.remove(row, now=settings.CLOCK.now(), actor=actor)

    def is_quiet(self, things: Things) -> bool:
        return not HostedRM.objects.filter(node__site__in=things.sites).exists()


class Accounts(RowHolding):
    """Those that lead to nobody else's devices."""

    def __init__(self) -> None:
        super().__init__(VendorAccount, "hosted_rms__node__site")

    def find(self, things: Things) -> dict[str, list[str]]:
        others = HostedRM.objects.exclude(node__site__in=things.sites).values("account")
        accounts = VendorAccount.objects.filter(hosted_rms__node__site__in=things.sites).exclude(pk__in=others)
        return {"accounts_at_vendors": sorted({str(pk) for pk in accounts.values_list("pk", flat=True)})}

    def erase(self, things: Things) -> None:
        unused = VendorAccount.objects.filter(pk__in=things.uuids("accounts_at_vendors"), hosted_rms=None)
        deletion.delete(unused, actor=None)


hold(HostedRMs())
hold(Accounts())
