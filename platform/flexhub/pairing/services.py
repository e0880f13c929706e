"""Tokens of nodes: issue, revoke, and tell who holds one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from flexhub.bus import end_id
from flexhub.devices.models import DEFAULT_BURST, DEFAULT_MESSAGES_PER_S, DeviceType, Link, Node
from flexhub.devices.sessions import end_session_after_commit
from flexhub.pairing.models import NodeToken
from s2.strictness import STRICT, Strictness, quirks_named
from tenants import audit, tokens
from tenants.audit import Actor
from tenants.scope import platform_scope, tenant_scope

# One device needs one token, and a second while it changes over. The cap bounds what a sign-in has to compare.
MAX_TOKENS_PER_NODE = 8


class TooManyTokensError(RuntimeError):
    """The node has as many valid tokens as it may have; revoke one first."""


class HostedNodeError(ValueError):
    """We run this node ourselves, so it never signs in."""


class LinkUnnamedError(ValueError):
    """The node has several links, and it was not said which one is meant. Only ever raised for a valid token."""


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """A node that proved who it is, and the link whose conversation its socket carries.

    `hosted`: the node is ours, as its peer is; it has no socket and proves nothing. `peer_site_id` is None where nobody
    asked for it, and stands for the same site then. `strictness`, `messages_per_s` and `burst` are what its device
    type allows it.
    """

    node_id: UUID
    role: str
    tenant_id: UUID
    site_id: UUID
    link_id: UUID
    peer_node_id: UUID
    peer_hosted: bool
    device_name: str
    is_main_meter: bool = False
    site_has_main_meter: bool = False
    strictness: Strictness = STRICT
    messages_per_s: int = DEFAULT_MESSAGES_PER_S
    burst: int = DEFAULT_BURST
    hosted: bool = False
    peer_site_id: UUID | None = None

    @property
    def is_relayed(self) -> bool:
        """Whether both ends of the link are remote."""
        return not self.peer_hosted

    @property
    def end_id(self) -> UUID:
        """What this node's seat is known by."""
        return end_id(self.link_id, self.role)


def issue_node_token(node: Node, *, actor: Actor = None) -> str:
    """A new token for the node, in plain text for the only time. Older ones stay valid until they are revoked.

    Raises HostedNodeError and TooManyTokensError.
    """
    if node.hosted:
        raise HostedNodeError(f"{node} is run by us and does not sign in")
    token = tokens.new_token(tokens.NODE_PREFIX)
    with tenant_scope(node.tenant_id):
        # The node's row is the lock: two requests at once must not both find room for one more.
        Node.objects.select_for_update(of=("self",)).get(pk=node.pk)
        if NodeToken.objects.filter(node_id=node.pk, revoked_at=None).count() >= MAX_TOKENS_PER_NODE:
            raise TooManyTokensError(f"{node} has {MAX_TOKENS_PER_NODE} valid tokens already; revoke one first")
        row = NodeToken.objects.create(node=node, tenant_id=node.tenant_id, token_hash=tokens.digest(token))
        audit.record("pairing.nodetoken.issued", row, actor=actor, after=audit.fields_of(row))
    return token


def revoke_node_token(token_row: NodeToken, *, actor: Actor = None) -> None:
    """End a token, and the node's living sessions. Doing it again changes nothing.

    Which token opened a session is not known, so one that is still valid has to open it anew.
    """
    with tenant_scope(token_row.tenant_id):
        now = timezone.now()
        if not NodeToken.objects.filter(pk=token_row.pk, revoked_at=None).update(revoked_at=now):
            return
        token_row.revoked_at = now
        audit.record("pairing.nodetoken.revoked", token_row, actor=actor, after={"revoked_at": now})
        node_id = token_row.node_id
        links = Link.objects.filter(Q(rm_node_id=node_id) | Q(cem_node_id=node_id))
        for link_id in links.values_list("pk", flat=True):
            end_session_after_commit(link_id, "the token was revoked")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody at the door says: which node it is, its token, and for which link where it has several."""

    node_id: UUID
    token: str
    peer_id: UUID | None = None


def authenticate_node(node_id: UUID, token: str, peer_id: UUID | None = None) -> NodeIdentity | None:
    """Who signs in as `node_id` with `token`; None for an unknown node, a wrong or revoked token, or no such link.

    A socket carries the conversation of one link: that with the node `peer_id`, or the only one. Raises
    LinkUnnamedError where a CEM has several and names none.
    """
    (answer,) = authenticate_nodes([SignIn(node_id, token, peer_id)])
    if isinstance(answer, LinkUnnamedError):
        raise answer
    return answer


def authenticate_nodes(sign_ins: Sequence[SignIn]) -> list[NodeIdentity | LinkUnnamedError | None]:
    """The answer to each, in their order: as `authenticate_node`'s, with what that raises as a value.

    One query for all of them; digests are compared in constant time.
    """
    with platform_scope("authenticate nodes"):
        node_ids = {each.node_id for each in sign_ins}
        rows = list(NodeToken.objects.filter(node_id__in=node_ids, revoked_at=None).values(*_COLUMNS))
    rows_of: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        rows_of.setdefault(row["node_id"], []).append(row)
    return [_answer(each, rows_of.get(each.node_id, ())) for each in sign_ins]


def _answer(sign_in: SignIn, rows: Iterable[dict[str, Any]]) -> NodeIdentity | LinkUnnamedError | None:
    token_hash = tokens.digest(sign_in.token)
    # Every digest is compared, so that the time does not tell which one was right.
    matching = [row for row in rows if tokens.matches(row["token_hash"], token_hash)]
    # A token yields one row for each link of its node.
    meant = [row for row in matching if sign_in.peer_id in (None, row[_ends(row)[1]])]
    identities = [identity for row in meant if (identity := _identity(row)) is not None]
    if len(identities) > 1:
        return LinkUnnamedError(f"node {sign_in.node_id} has {len(identities)} links")
    return identities[0] if identities else None


_COLUMNS = (
    "token_hash",
    "node_id",
    "tenant_id",
    "node__role",
    "node__name",
    "node__site_id",
    "node__site__main_meter_id",
    "node__device__name",
    "node__device__device_type__strictness",
    "node__device__device_type__quirks",
    "node__device__device_type__messages_per_s",
    "node__device__device_type__burst",
    "node__rm_link__id",
    "node__rm_link__cem_node_id",
    "node__rm_link__cem_node__hosted",
    "node__rm_link__cem_node__site_id",
    "node__cem_links__id",
    "node__cem_links__rm_node_id",
    "node__cem_links__rm_node__hosted",
    "node__cem_links__rm_node__site_id",
)


def _ends(row: dict[str, Any]) -> tuple[str, str, str]:
    """The columns of the link, of the node at its other end, and of whether we host that one."""
    if row["node__role"] == Node.Role.RM:
        return "node__rm_link__id", "node__rm_link__cem_node_id", "node__rm_link__cem_node__hosted"
    return "node__cem_links__id", "node__cem_links__rm_node_id", "node__cem_links__rm_node__hosted"


def strictness_of(strictness: str | None, quirks: Iterable[str] | None) -> Strictness:
    """How a device is judged by what its type says of it; strictly where it has none."""
    return Strictness(lenient=strictness == DeviceType.Strictness.LENIENT, quirks=quirks_named(quirks or ()))


def _identity(row: dict[str, Any]) -> NodeIdentity | None:
    link, peer, hosted = _ends(row)
    link_id: UUID | None = row[link]
    if link_id is None:
        return None
    return NodeIdentity(
        node_id=row["node_id"],
        role=row["node__role"],
        tenant_id=row["tenant_id"],
        site_id=row["node__site_id"],
        link_id=link_id,
        peer_node_id=row[peer],
        peer_hosted=row[hosted],
        device_name=row["node__device__name"] or row["node__name"],
        is_main_meter=row["node__site__main_meter_id"] == row["node_id"],
        site_has_main_meter=row["node__site__main_meter_id"] is not None,
        strictness=strictness_of(
            row["node__device__device_type__strictness"], row["node__device__device_type__quirks"]
        ),
        messages_per_s=row["node__device__device_type__messages_per_s"] or DEFAULT_MESSAGES_PER_S,
        burst=row["node__device__device_type__burst"] or DEFAULT_BURST,
        peer_site_id=row[f"{peer.removesuffix('_id')}__site_id"],
    )
