from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from flexhub.bus import BusUnavailable
from flexhub.devices.services import create_cem_node, link_nodes
from flexhub.devices.sessions import end_session_after_commit
from tenants.deactivation import deactivate
from tenants.scope import tenant_scope
from tests.support.living_session import LivingSession
from tests.support.registry import Household, make_household

pytestmark = pytest.mark.django_db

AT = datetime(2026, 4, 21, 10, tzinfo=UTC)


@pytest.fixture
def alder() -> Household:
    return make_household("Alder")


def test_a_new_pairing_ends_the_session_of_the_old_one(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    session = LivingSession(alder, monkeypatch)
    box = create_cem_node(site=alder.site, name="box")

    with django_capture_on_commit_callbacks() as waiting:
        link_nodes(rm_node=alder.rm_node, cem_node=box)
    assert session.reasons_to_close() == []

    for callback in waiting:
        callback()
    assert session.reasons_to_close() == ["the link was deleted"]


def test_a_deleted_site_ends_the_sessions_of_its_devices(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    session = LivingSession(alder, monkeypatch)

    with django_capture_on_commit_callbacks(execute=True), tenant_scope(alder.tenant.pk):
        alder.site.delete()

    assert session.reasons_to_close() == ["the link was deleted"]


def test_a_bus_that_is_down_does_not_undo_what_is_committed(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def refuse(url: str) -> None:
        raise BusUnavailable("Redis did not answer")

    monkeypatch.setattr("flexhub.devices.sessions.connect_worker", refuse)

    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        end_session_after_commit(alder.link.pk, "test")

    assert "could not end the sessions" in caplog.text


def test_a_deactivated_tenant_ends_its_sessions_and_no_others(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    birch = make_household("Birch")
    session = LivingSession(alder, monkeypatch)

    with django_capture_on_commit_callbacks(execute=True):
        deactivate(birch.tenant, now=AT)
    assert session.reasons_to_close() == []

    with django_capture_on_commit_callbacks(execute=True):
        deactivate(alder.tenant, now=AT)
    assert session.reasons_to_close() == ["the tenant was deactivated"]


def test_a_bus_that_is_down_does_not_keep_a_tenant_active(
    alder: Household,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def refuse(url: str) -> None:
        raise BusUnavailable("Redis did not answer")

    monkeypatch.setattr("flexhub.devices.sessions.connect_worker", refuse)

    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        deactivate(alder.tenant, now=AT)

    assert "could not end the sessions of tenant" in caplog.text
