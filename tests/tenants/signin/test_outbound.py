"""What is asked of a provider, and where."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tenants.signin import outbound
from tenants.signin.outbound import MAX_ANSWER_BYTES, ProviderSession
from tests.support.identity_provider import FakeProvider, running_provider


def test_reads_what_a_provider_answers(idp: FakeProvider) -> None:
    with ProviderSession() as session:
        assert session.get(f"{idp.issuer}/keys").json() == idp.document("/keys")


def test_asks_over_tls_only(settings: Any) -> None:
    settings.SIGN_IN_PROVIDERS_LOCAL = False
    with ProviderSession() as session, pytest.raises(requests.RequestException):
        session.get("http://login.example/")


def test_says_nothing_to_an_address_of_our_own_network(settings: Any) -> None:
    settings.SIGN_IN_PROVIDERS_LOCAL = False
    with running_provider() as idp:
        port = idp.issuer.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            with ProviderSession() as session, pytest.raises(requests.ConnectionError):
                session.get(f"https://{host}:{port}/keys")

    assert idp.asked == []


def test_reads_no_more_than_it_needs(idp: FakeProvider) -> None:
    idp.documents["/long"] = b"x" * (MAX_ANSWER_BYTES + 1)

    with ProviderSession() as session, pytest.raises(requests.RequestException, match="too long"):
        session.get(f"{idp.issuer}/long")


def test_gives_up_in_time(idp: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "WHOLE_TIMEOUT_S", -1.0)

    with ProviderSession() as session, pytest.raises(requests.Timeout):
        session.get(f"{idp.issuer}/keys")
