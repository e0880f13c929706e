"""Tokens of nodes: issue, replace, revoke, and tell who holds one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from flexhub.bus import end_id
from flexhub.devices.models import DEFAULT_BURST, DEFAULT_MESSAGES_PER_S, DeviceType, Link, Node
from flexhub.devices.sessions import end_sessions_after_commit
from flexhub.pairing.models import NodeToken
from flexhub.pairing.standing import Credential
from s2.strictness import STRICT, Strictness, quirks_named
from tenants import audit, tokens
from tenants.audit import Actor
from tenants.scope import platform_scope, tenant_scope

# One device needs one token, and a second while it changes over.
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
    type allows it. `token_id` is the row of the token that it showed; None where we opened the connection.
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
    token_id: int | None = None

    @property
    def is_relayed(self) -> bool:
        """Whether both ends of the link are remote."""
        return not self.peer_hosted

    @property
    def credential(self) -> Credential | None:
        """What has to hold for as long as the connection is open."""
        return None if self.token_id is None else Credential(self.token_id, self.link_id)

    @property
    def end_id(self) -> UUID:
        """What this node's seat is known by."""
        return end_id(self.link_id, self.role)


def issue_node_token(node: Node, *, expires_at: datetime | None = None, actor: Actor = None) -> str:
    """A new token for the node, in plain text for the only time. Older ones stay valid until they end.

    Raises HostedNodeError, TooManyTokensError, and ValidationError for an `expires_at` that is not to come.
    """
    if node.hosted:
        raise HostedNodeError(f"{node} is run by us and does not sign in")
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "A token expires in the future."})
    token = tokens.new_token(tokens.NODE_PREFIX)
    with tenant_scope(node.tenant_id):
        # The node's row is the lock: two requests at once must not both find room for one more.
        Node.objects.select_for_update(of=("self",)).get(pk=node.pk)
        if NodeToken.objects.valid().filter(node_id=node.pk).count() >= MAX_TOKENS_PER_NODE:
            raise TooManyTokensError(f"{node} has {MAX_TOKENS_PER_NODE} valid tokens already; revoke one first")
        row = NodeToken.objects.create(
            node=node, tenant_id=node.tenant_id, token_hash=tokens.digest(token), expires_at=expires_at
        )
        audit.record("pairing.nodetoken.issued", row, actor=actor, after=audit.fields_of(row))
    return token


def replace_node_tokens(
    node: Node, *, overlap: timedelta, expires_at: datetime | None = None, actor: Actor = None
) -> str:
    """A new token as `issue_node_token` makes it; all others of the node end after `overlap`, with 0 at once.

    One that would end earlier by itself does.
    """
    with tenant_scope(node.tenant_id):
        token = issue_node_token(node, expires_at=expires_at, actor=actor)
        others = NodeToken.objects.valid().filter(node_id=node.pk).exclude(token_hash=tokens.digest(token))
        for row in others.select_for_update(of=("self",)):
            if overlap:
                _end_at(row, timezone.now() + overlap, actor)
            else:
                revoke_node_token(row, actor=actor)
    return token


def revoke_node_token(token_row: NodeToken, *, actor: Actor = None) -> None:
    """End a token, and within a second the sessions that it opened. Doing it again changes nothing."""
    with tenant_scope(token_row.tenant_id):
        now = timezone.now()
        if not NodeToken.objects.filter(pk=token_row.pk, revoked_at=None).update(revoked_at=now):
            return
        token_row.revoked_at = now
        audit.record("pairing.nodetoken.revoked", token_row, actor=actor, after={"revoked_at": now})
        _end_what_it_opened(token_row, "the token was revoked")


@receiver(post_delete, sender=NodeToken)
def _end_with_deleted_token(instance: NodeToken, origin: object, **_: object) -> None:
    """Where it goes with its node, the node's links go as well, and end the sessions themselves."""
    if isinstance(origin, NodeToken) or getattr(origin, "model", None) is NodeToken:
        _end_what_it_opened(instance, "the token was deleted")


def _end_what_it_opened(token_row: NodeToken, reason: str) -> None:
    """Once this transaction has committed, have the gateways close the sessions that this token opened.

    A sign-in that is under way then, and a gateway that is not reached, find out by themselves
    (`flexhub.gateway.token_watch`).
    """
    links = Link.objects.filter(Q(rm_node_id=token_row.node_id) | Q(cem_node_id=token_row.node_id))
    ends = [end_id(link_id, role) for link_id in links.values_list("pk", flat=True) for role in Node.Role.values]
    end_sessions_after_commit(ends, reason, token_id=token_row.pk)


def _end_at(row: NodeToken, ends_at: datetime, actor: Actor) -> None:
    if row.expires_at is not None and row.expires_at <= ends_at:
        return
    before, row.expires_at = {"expires_at": row.expires_at}, ends_at
    row.save(update_fields=["expires_at"])
    audit.record("pairing.nodetoken.replaced", row, actor=actor, before=before, after={"expires_at": ends_at})


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody at the door says: which node it is, its token, and for which link where it has several."""

    node_id: UUID
    token: str
    peer_id: UUID | None = None


def authenticate_node(node_id: UUID, token: str, peer_id: UUID | None = None) -> NodeIdentity | None:
    """Who signs in as `node_id` with `token`.

    None for an unknown node, a wrong or revoked token, no such link, and whatever is a deactivated tenant's. A socket
    carries the conversation of one link: that with the node `peer_id`, or the only one. Raises LinkUnnamedError where a
    CEM has several and names none.
    """
    (answer,) = authenticate_nodes([SignIn(node_id, token, peer_id)])
    if isinstance(answer, LinkUnnamedError):
        raise answer
    return answer


def authenticate_nodes(sign_ins: Sequence[SignIn]) -> list[NodeIdentity | LinkUnnamedError | None]:
    """The answer to each, in their order: as `authenticate_node`'s, with what that raises as a value.

    One query for all of them, by the digests of what they showed. So a wrong token is the same work whether its node
    exists or not, and how long the look-up takes tells about digests of what was sent, never about a stored token.
    """
    digests = [tokens.digest(each.token) for each in sign_ins]
    rows_of: dict[tuple[str, UUID], list[dict[str, Any]]] = {}
    with platform_scope("authenticate nodes"):
        rows = NodeToken.objects.valid().filter(token_hash__in=set(digests), tenant__deactivated_at=None)
        for row in rows.values(*_COLUMNS):
            rows_of.setdefault((row["token_hash"], row["node_id"]), []).append(row)
    return [
        _answer(each, rows_of.get((digest, each.node_id), ())) for each, digest in zip(sign_ins, digests, strict=True)
    ]


def _answer(sign_in: SignIn, rows: Iterable[dict[str, Any]]) -> NodeIdentity | LinkUnnamedError | None:
    # A token yields one row for each link of its node.
    meant = [row for row in rows if sign_in.peer_id in (None, row[_ends(row)[1]])]
    identities = [identity for row in meant if (identity := _identity(row)) is not None]
    if len(identities) > 1:
        return LinkUnnamedError(f"node {sign_in.node_id} has {len(identities)} links")
    return identities[0] if identities else None


_COLUMNS = (
    "pk",
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
        token_id=row["pk"],
    )
