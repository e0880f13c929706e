from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from flexhub.bus import end_id
from flexhub.devices.models import DeviceType, Link, Node
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.pairing.models import NodeToken
from flexhub.pairing.services import (
    MAX_TOKENS_PER_NODE,
    HostedNodeError,
    LinkUnnamedError,
    NodeIdentity,
    SignIn,
    TooManyTokensError,
    authenticate_node,
    authenticate_nodes,
    issue_node_token,
    replace_node_tokens,
    revoke_node_token,
)
from s2.strictness import Quirk, Strictness
from tenants.scope import platform_scope, tenant_scope
from tests.support.living_session import LivingSession
from tests.support.registry import Household, audited, make_device, make_household

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def _rows(household: Household) -> list[NodeToken]:
    with tenant_scope(household.tenant.pk):
        return list(NodeToken.objects.select_related("node").order_by("id"))


def test_tells_who_an_rm_is(alder: Household) -> None:
    assert authenticate_node(alder.rm_node.pk, alder.token) == NodeIdentity(
        node_id=alder.rm_node.pk,
        role="RM",
        tenant_id=alder.tenant.pk,
        site_id=alder.site.pk,
        link_id=alder.link.pk,
        peer_node_id=alder.cem_node.pk,
        peer_hosted=True,
        device_name="Alder battery",
        peer_site_id=alder.site.pk,
        token_id=_rows(alder)[0].pk,
    )


def test_tells_who_a_cem_is(alder: Household) -> None:
    box = create_cem_node(site=alder.site, name="box in the cellar")
    token = issue_node_token(box)
    assert authenticate_node(box.pk, token) is None

    link = link_nodes(rm_node=alder.rm_node, cem_node=box)

    assert authenticate_node(box.pk, token) == NodeIdentity(
        node_id=box.pk,
        role="CEM",
        tenant_id=alder.tenant.pk,
        site_id=alder.site.pk,
        link_id=link.pk,
        peer_node_id=alder.rm_node.pk,
        peer_hosted=False,
        device_name="box in the cellar",
        peer_site_id=alder.site.pk,
        token_id=_rows(alder)[-1].pk,
    )
    identity = authenticate_node(alder.rm_node.pk, alder.token)
    assert identity is not None
    assert not identity.peer_hosted


def test_tells_what_is_allowed_to_the_device_type(alder: Household) -> None:
    with platform_scope("a test changes a type"):
        DeviceType.objects.update(
            strictness="lenient", quirks=["undeclared-leakage", "from-a-later-version"], messages_per_s=3, burst=50
        )

    identity = authenticate_node(alder.rm_node.pk, alder.token)

    assert identity is not None
    assert identity.strictness == Strictness(lenient=True, quirks=frozenset({Quirk.UNDECLARED_LEAKAGE}))
    assert (identity.messages_per_s, identity.burst) == (3, 50)


def test_a_cem_with_several_links_says_which_one_it_means(alder: Household) -> None:
    box = create_cem_node(site=alder.site, name="box")
    token = issue_node_token(box)
    links = [
        link_nodes(rm_node=alder.rm_node, cem_node=box),
        link_nodes(rm_node=make_device(alder.site, name="Second").node, cem_node=box),
    ]

    for link in links:
        identity = authenticate_node(box.pk, token, link.rm_node_id)
        assert identity is not None
        assert (identity.link_id, identity.peer_node_id) == (link.pk, link.rm_node_id)
    assert authenticate_node(box.pk, token, uuid4()) is None
    with pytest.raises(LinkUnnamedError):
        authenticate_node(box.pk, token)
    assert authenticate_node(box.pk, token + "x") is None


def test_an_energy_manager_has_a_seat_of_its_own_also_where_the_rm_is_hosted(alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        Node.objects.filter(pk=alder.rm_node.pk).update(hosted=True)
    box = create_cem_node(site=alder.site, name="box")
    link = link_nodes(rm_node=alder.rm_node, cem_node=box)

    identity = authenticate_node(box.pk, issue_node_token(box))

    assert identity is not None
    assert (identity.role, identity.peer_hosted, identity.is_relayed) == ("CEM", True, False)
    assert identity.end_id == end_id(link.pk, "CEM")


def test_both_ends_of_a_relayed_link_have_a_seat_of_their_own(alder: Household) -> None:
    hosted = authenticate_node(alder.rm_node.pk, alder.token)
    box = create_cem_node(site=alder.site, name="box")
    link = link_nodes(rm_node=alder.rm_node, cem_node=box)
    rm = authenticate_node(alder.rm_node.pk, alder.token, box.pk)
    cem = authenticate_node(box.pk, issue_node_token(box))

    assert hosted is not None
    assert rm is not None
    assert cem is not None
    assert (hosted.is_relayed, rm.is_relayed, cem.is_relayed) == (False, True, True)
    assert (hosted.end_id, rm.end_id) == (alder.link.pk, link.pk)
    assert cem.end_id == end_id(link.pk, "CEM")


@pytest.mark.parametrize("token", ["", "fhn_", "fhn_wrong", "Bearer", "fhn_\udc80"])
def test_knows_nobody_by_a_wrong_token(alder: Household, token: str) -> None:
    assert authenticate_node(alder.rm_node.pk, token) is None


def test_knows_no_unknown_node(alder: Household) -> None:
    assert authenticate_node(uuid4(), alder.token) is None


def test_does_not_take_the_token_of_another_node(alder: Household) -> None:
    birch = make_household("Birch")

    assert authenticate_node(alder.rm_node.pk, birch.token) is None


def test_knows_no_node_without_a_link(alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        Link.objects.all().delete()

    assert authenticate_node(alder.rm_node.pk, alder.token) is None


def test_a_revoked_token_is_worth_nothing_and_the_next_one_works(alder: Household) -> None:
    second = issue_node_token(alder.rm_node)
    assert authenticate_node(alder.rm_node.pk, alder.token) is not None
    first_row = _rows(alder)[0]

    revoke_node_token(first_row)
    revoke_node_token(first_row)

    assert authenticate_node(alder.rm_node.pk, alder.token) is None
    assert authenticate_node(alder.rm_node.pk, second) is not None
    (entry,) = audited("pairing.nodetoken.revoked")
    assert entry["object_id"] == str(first_row.pk)


def test_a_revoked_token_ends_the_living_session(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    session = LivingSession(alder, monkeypatch)

    (row,) = _rows(alder)
    with django_capture_on_commit_callbacks(execute=True):
        revoke_node_token(row)

    assert session.told_to_close() == [("the token was revoked", str(row.pk))]


def test_a_deleted_token_ends_the_living_session(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    session, (row,) = LivingSession(alder, monkeypatch), _rows(alder)
    token_id = row.pk

    with django_capture_on_commit_callbacks(execute=True), tenant_scope(alder.tenant.pk):
        row.delete()

    assert session.told_to_close() == [("the token was deleted", str(token_id))]


def test_an_expired_token_is_worth_nothing(alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        NodeToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert authenticate_node(alder.rm_node.pk, alder.token) is None

    for _ in range(MAX_TOKENS_PER_NODE):
        token = issue_node_token(alder.rm_node, expires_at=timezone.now() + timedelta(hours=1))

    assert authenticate_node(alder.rm_node.pk, token) is not None


def test_no_token_expires_before_it_begins(alder: Household) -> None:
    with pytest.raises(ValidationError, match="expires_at"):
        issue_node_token(alder.rm_node, expires_at=timezone.now())


def test_a_replaced_token_overlaps_with_the_next_one(alder: Household) -> None:
    before = timezone.now()

    second = replace_node_tokens(alder.rm_node, overlap=timedelta(hours=1))

    for token in (alder.token, second):
        assert authenticate_node(alder.rm_node.pk, token) is not None
    old, new = _rows(alder)
    assert old.expires_at is not None
    assert timedelta(hours=1) <= old.expires_at - before < timedelta(hours=1, minutes=5)
    assert new.expires_at is None
    (entry,) = audited("pairing.nodetoken.replaced")
    assert (entry["object_id"], entry["before"]) == (str(old.pk), {"expires_at": None})

    replace_node_tokens(alder.rm_node, overlap=timedelta(days=1))
    assert _rows(alder)[0].expires_at == old.expires_at


def test_a_replacement_at_once_revokes_the_others(alder: Household) -> None:
    birch = make_household("Birch")

    second = replace_node_tokens(alder.rm_node, overlap=timedelta(0))

    assert authenticate_node(alder.rm_node.pk, alder.token) is None
    assert authenticate_node(alder.rm_node.pk, second) is not None
    assert authenticate_node(birch.rm_node.pk, birch.token) is not None
    assert len(audited("pairing.nodetoken.revoked")) == 1


def test_a_wrong_token_is_the_same_work_whether_its_node_exists_or_not(alder: Household) -> None:
    birch, asked = make_household("Birch"), []

    for node_id in (alder.rm_node.pk, uuid4()):
        for token in ("fhn_wrong", birch.token):
            with CaptureQueriesContext(connection) as queries:
                assert authenticate_node(node_id, token) is None
            asked.append([query["sql"] for query in queries if "devices_node" in query["sql"]])

    assert asked[0] == asked[2]
    assert asked[1] == asked[3]
    assert not any(str(alder.rm_node.pk) in sql for sqls in asked for sql in sqls)


def test_answers_everybody_who_asks_at_once(alder: Household) -> None:
    birch = make_household("Birch")
    box = create_cem_node(site=birch.site, name="box")
    token = issue_node_token(box)
    rms = [make_device(birch.site, name=name).node for name in ("Second", "Third")]
    links = [link_nodes(rm_node=rm, cem_node=box) for rm in rms]
    asked = [
        SignIn(alder.rm_node.pk, alder.token),
        SignIn(birch.rm_node.pk, alder.token),
        SignIn(box.pk, token, rms[1].pk),
        SignIn(uuid4(), token),
        SignIn(box.pk, token),
        SignIn(box.pk, token, rms[0].pk),
        SignIn(alder.rm_node.pk, alder.token),
    ]

    with CaptureQueriesContext(connection) as queries:
        answers = authenticate_nodes(asked)

    links_found = [each.link_id if isinstance(each, NodeIdentity) else each for each in answers]
    assert isinstance(links_found.pop(4), LinkUnnamedError)
    assert links_found == [alder.link.pk, None, links[1].pk, None, links[0].pk, alder.link.pk]
    assert sum("devices_node" in query["sql"] for query in queries) == 1


def test_asks_the_database_once(alder: Household) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        authenticate_node(alder.rm_node.pk, alder.token)

    assert sum("devices_node" in query["sql"] for query in queries) == 1


def test_stores_and_logs_no_plain_text(alder: Household) -> None:
    (row,) = _rows(alder)

    assert alder.token.startswith("fhn_")
    assert alder.token not in row.token_hash
    (entry,) = audited("pairing.nodetoken.issued")
    assert row.token_hash not in str(entry)
    assert row.token_hash not in str(row)


def test_hosted_nodes_get_no_token(alder: Household) -> None:
    with pytest.raises(HostedNodeError):
        issue_node_token(alder.cem_node)


def test_bounds_the_tokens_of_a_node(alder: Household) -> None:
    for _ in range(MAX_TOKENS_PER_NODE - 1):
        issue_node_token(alder.rm_node)

    with pytest.raises(TooManyTokensError):
        issue_node_token(alder.rm_node)

    revoke_node_token(_rows(alder)[0])
    issue_node_token(alder.rm_node)


def test_a_token_goes_with_its_node(alder: Household) -> None:
    with tenant_scope(alder.tenant.pk):
        Node.objects.filter(pk=alder.rm_node.pk).delete()

    assert _rows(alder) == []
