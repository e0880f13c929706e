from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from flexhub.devices.models import Node
from flexhub.portal import views
from s2.recording import read_frame
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.flexhub.portal.conftest import Seats
from tests.support.clock import FixedClock
from tests.support.registry import Household, audited, make_household, make_member, make_operator, make_tenant

pytestmark = pytest.mark.django_db

SESSIONS = "/admin/sessions/"
HOSTILE = "<script>alert(1)</script>"
FINDING = {"rule": "R-20", "severity": "error", "text": f"1.3 should lie in [0, 1] {HOSTILE}", "path": "$.factor"}


def conversation_of(household: Household) -> str:
    return f"/admin/links/{household.link.pk}/conversation/"


def recording_of(household: Household) -> str:
    return f"/admin/links/{household.link.pk}/conversation.jsonl"


def set_hosted(household: Household, *, rm: bool, cem: bool) -> None:
    with tenant_scope(household.tenant.pk):
        Node.objects.filter(pk=household.rm_node.pk).update(hosted=rm)
        Node.objects.filter(pk=household.cem_node.pk).update(hosted=cem)


def page(client: Client, url: str, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_the_addresses_have_the_names_that_others_use() -> None:
    link_id = uuid4()

    assert reverse("admin:sessions") == SESSIONS
    assert reverse("admin:link_conversation", args=[link_id]) == f"/admin/links/{link_id}/conversation/"


def test_a_provider_sees_its_sessions(client: Client, seats: Seats, alder: Household, clock: FixedClock) -> None:
    seats.sit_down(alder, control_type="FILL_RATE_BASED_CONTROL")
    client.force_login(make_member(alder.tenant))

    text = page(client, SESSIONS)

    shown = ("Alder battery", "Alder house", "FILL_RATE_BASED_CONTROL", "1.0.0", "gateway-1", "192.0.2.7:50123")
    for value in (*shown, "2026-04-21 09:30:00 UTC", "session at 2026-04-21 10:00:00 UTC", conversation_of(alder)):
        assert value in text
    assert "<th>Tenant</th>" not in text


def test_a_released_session_says_why(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder, control_type="NO_SELECTION", released="2026-04-21T09:58:00+00:00")
    client.force_login(make_member(alder.tenant))

    text = page(client, SESSIONS)

    assert "released" in text
    assert "at 2026-04-21 09:58:00 UTC: no worker of the energy manager looked at the site" in text


def test_the_sessions_refresh_themselves_without_a_script_of_ours(
    client: Client, seats: Seats, alder: Household
) -> None:
    client.force_login(make_member(alder.tenant))

    text = page(client, SESSIONS, q="a&b")

    assert 'hx-get="/admin/sessions/?q=a%26b" hx-trigger="every 5s" hx-select="#sessions"' in text


def test_an_operator_sees_whose_sessions_they_are(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.sit_down(make_household("Birch"))
    client.force_login(make_operator())

    text = page(client, SESSIONS)

    assert "<th>Tenant</th>" in text
    assert "Alder battery" in text
    assert "Birch battery" in text


def test_birch_sees_no_session_of_alders(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    client.force_login(make_member(make_tenant("Birch")))

    text = page(client, SESSIONS)

    assert "Alder" not in text
    assert "No device is connected." in text


def test_many_sessions_come_in_pages(
    client: Client, seats: Seats, alder: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SESSIONS_PER_PAGE", 1)
    seats.sit_down(alder)
    seats.sit_down(make_household("Birch"))
    client.force_login(make_operator())

    first = page(client, SESSIONS, q="house")

    assert "Alder battery" in first
    assert "Birch battery" not in first
    assert 'href="?q=house&amp;page=2"' in first
    assert "Birch battery" in page(client, SESSIONS, q="house", page="2")


def test_a_conversation_shows_each_message_newest_first(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(alder, "sent", {"message_type": "Handshake", "message_id": "m-1"})
    seats.say(alder, "received", {"message_type": "PowerMeasurement", "message_id": "m-2"}, status="OK")
    client.force_login(make_member(alder.tenant))

    text = page(client, conversation_of(alder))

    assert text.index("PowerMeasurement") < text.index("Handshake")
    for value in ("← from device", "→ to device", "2026-04-21 09:30:00 UTC", "&quot;message_id&quot;: &quot;m-1&quot;"):
        assert value in text
    assert "The last 2 messages" in text


def test_a_quirk_is_named_beside_its_finding(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    finding = FINDING | {"severity": "warning", "quirk": "undeclared-leakage"}
    seats.say(alder, "received", {"message_type": "FRBC.LeakageBehaviour"}, status="OK", findings=[finding])
    client.force_login(make_member(alder.tenant))

    assert "(quirk <code>undeclared-leakage</code>)" in page(client, conversation_of(alder))


def test_findings_stand_out_and_can_be_picked(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(alder, "received", {"message_type": "PowerMeasurement"}, status="OK")
    seats.say(alder, "received", {"message_type": "FRBC.ActuatorStatus"}, status="INVALID_CONTENT", findings=[FINDING])
    client.force_login(make_member(alder.tenant))

    text = page(client, conversation_of(alder))
    picked = page(client, conversation_of(alder), findings="1")

    for value in ('<li class="bad">', "R-20", "<strong>error</strong>", "<code>$.factor</code>", "INVALID_CONTENT"):
        assert value in text
    assert "Only with findings (1)" in text
    assert "PowerMeasurement" in text
    assert "PowerMeasurement" not in picked
    assert "FRBC.ActuatorStatus" in picked


def test_what_a_device_says_cannot_break_out(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(
        alder, "received", HOSTILE, status="INVALID_DATA", findings=[FINDING | {"rule": HOSTILE, "path": HOSTILE}]
    )
    seats.say(alder, "received", {"message_type": HOSTILE, "message_id": HOSTILE, "x": "</pre>" + HOSTILE}, status="OK")
    seats.say(alder, "received", '{"message_type": "\\ud800"}', status="INVALID_DATA")
    client.force_login(make_member(alder.tenant))

    text = page(client, conversation_of(alder))

    assert HOSTILE not in text
    assert text.count("&lt;script&gt;") >= 6


def test_names_cannot_break_out(client: Client, seats: Seats, alder: Household) -> None:
    hostile = make_household(f"Birch {HOSTILE}")
    seats.sit_down(hostile)
    client.force_login(make_operator())

    for url in (SESSIONS, conversation_of(hostile)):
        assert HOSTILE not in page(client, url, q=HOSTILE)


def test_a_device_that_never_spoke_has_an_empty_conversation(client: Client, seats: Seats, alder: Household) -> None:
    client.force_login(make_member(alder.tenant))

    assert "Nothing was said yet" in page(client, conversation_of(alder))


def test_birch_finds_no_conversation_of_alders(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(alder, "sent", {"message_type": "Handshake"})
    client.force_login(make_member(make_tenant("Birch")))

    assert client.get(conversation_of(alder)).status_code == 404


@pytest.mark.parametrize("kind", [Tenant.Kind.MANUFACTURER, Tenant.Kind.AGGREGATOR])
def test_others_may_not_look(client: Client, seats: Seats, alder: Household, kind: Tenant.Kind) -> None:
    client.force_login(make_member(make_tenant("Volta", kind)))

    for url in (SESSIONS, conversation_of(alder)):
        assert client.get(url).status_code == 403


def test_a_conversation_can_be_taken_away_to_be_checked(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    seats.say(alder, "sent", {"message_type": "Handshake", "message_id": "m-1"})
    client.force_login(make_member(alder.tenant, "alice"))
    assert f'href="{recording_of(alder)}"' in page(client, conversation_of(alder))

    response = client.get(recording_of(alder))

    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="conversation-{alder.link.pk}.jsonl"'
    first, answer = (read_frame(line) for line in response.content.splitlines())
    assert first is not None
    assert answer is not None
    assert (first.sender, first.text) == ("CEM", '{"message_type": "Handshake", "message_id": "m-1"}')
    assert answer.sender == "RM"


def test_who_takes_a_conversation_away_leaves_an_audit_row(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    client.force_login(make_operator("olga"))

    client.get(recording_of(alder))

    (row,) = audited("portal.conversation.downloaded")
    assert (row["tenant_id"], row["object_id"], row["actor_name"]) == (alder.tenant.pk, str(alder.link.pk), "olga")


def test_nobody_takes_away_what_they_may_not_see(client: Client, seats: Seats, alder: Household) -> None:
    seats.sit_down(alder)
    assert client.get(recording_of(alder)).status_code == 302
    client.force_login(make_member(make_tenant("Birch")))
    assert client.get(recording_of(alder)).status_code == 404
    client.force_login(make_member(make_tenant("Volta", Tenant.Kind.MANUFACTURER)))
    assert client.get(recording_of(alder)).status_code == 403

    assert audited("portal.conversation.downloaded") == []


def test_a_copy_has_to_wait_for_redis(client: Client, alder: Household, redis_down: None) -> None:
    client.force_login(make_member(alder.tenant))

    assert client.get(recording_of(alder)).status_code == 503


def test_each_end_of_a_relayed_link_has_a_conversation(client: Client, seats: Seats, alder: Household) -> None:
    set_hosted(alder, rm=False, cem=False)
    seats.sit_down(alder)
    seats.sit_down(alder, peer="CEM")
    seats.say(alder, "received", {"message_type": "PowerMeasurement"}, status="OK")
    seats.say(alder, "received", {"message_type": "SelectControlType"}, peer="CEM")
    client.force_login(make_member(alder.tenant))

    with_rm, with_cem = (page(client, conversation_of(alder), **{"with": role}) for role in ("RM", "CEM"))

    assert "PowerMeasurement" in with_rm
    assert "← from device" in with_rm
    assert "SelectControlType" not in with_rm
    assert "SelectControlType" in with_cem
    assert "← from CEM" in with_cem
    assert "Download" in with_rm
    assert "Download" not in with_cem
    assert f'{conversation_of(alder)}?with=CEM"' in page(client, SESSIONS)


def test_the_conversation_of_a_hosted_rm_is_that_with_its_cem(client: Client, seats: Seats, alder: Household) -> None:
    set_hosted(alder, rm=True, cem=False)
    seats.sit_down(alder, peer="CEM")
    seats.say(alder, "sent", {"message_type": "Handshake", "message_id": "m-1", "role": "RM"}, peer="CEM")
    client.force_login(make_member(alder.tenant))

    text = page(client, conversation_of(alder))
    frame = read_frame(client.get(recording_of(alder)).content.decode().splitlines()[0])

    assert "→ to CEM" in text
    assert "With the RM" not in text
    assert frame is not None
    assert frame.sender == "RM"


def test_who_is_not_signed_in_is_asked_to(client: Client, alder: Household) -> None:
    for url in (SESSIONS, conversation_of(alder)):
        response = client.get(url)
        assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={url}")


def test_the_pages_say_that_redis_is_down(client: Client, alder: Household, redis_down: None) -> None:
    client.force_login(make_member(alder.tenant))

    for url in (SESSIONS, conversation_of(alder)):
        text = page(client, url)
        assert "Redis cannot be reached" in text
        assert "No device is connected" not in text
