"""What pairing holds about a household: tokens, which are shut out first, and addresses of servers elsewhere."""

from __future__ import annotations

from flexhub.pairing import services
from flexhub.pairing.models import DialledEnd, NodeToken
from tenants.audit import Actor
from tenants.privacy.holdings import RowHolding, Things, hold, hold_rows


class Tokens(RowHolding):
    def __init__(self) -> None:
        super().__init__(NodeToken, "node__site")

    def stop(self, things: Things, *, actor: Actor) -> None:
        """A device whose token is gone cannot come back, and so cannot write again."""
        for token in NodeToken.objects.filter(node__site__in=things.sites, revoked_at=None).select_related("node"):
            services.revoke_node_token(token, actor=actor)


hold(Tokens())
# They go with their link, which is deleted before anything else is erased.
hold_rows(DialledEnd, site="link__rm_node__site")
