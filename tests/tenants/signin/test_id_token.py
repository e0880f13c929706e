"""Which id tokens are believed."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tenants.signin.id_token import IdTokenRefused, nonce_for, read_id_token
from tests.support.identity_provider import CLIENT_ID, KEY_ID, FakeProvider

ISSUER = "https://login.example"


@pytest.fixture(scope="module")
def idp() -> FakeProvider:
    return FakeProvider(issuer=ISSUER)


def read(idp: FakeProvider, text: str, **options: Any) -> Any:
    wanted: dict[str, Any] = {"issuer": ISSUER, "client_id": CLIENT_ID, "nonce": "n", "keys": idp.document("/keys")}
    return read_id_token(text, **(wanted | options))


def token(idp: FakeProvider, **claims: Any) -> str:
    idp.claims = {"sub": "subject"} | claims
    return idp.id_token("n")


def test_believes_what_is_signed_for_us(idp: FakeProvider) -> None:
    claims = read(idp, token(idp, name="Ann", email="ann@alder.example", groups=["all"]))

    assert claims.model_dump() == {"iss": ISSUER, "sub": "subject", "name": "Ann", "email": "ann@alder.example"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": ISSUER + "/"},
        {"aud": "other"},
        {"aud": [CLIENT_ID, "other"], "azp": "other"},
        {"nonce": "m"},
        {"nonce": 1},
        {"exp": time.time() - 120},
        {"iat": time.time() - 3600, "exp": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"iat": "yesterday"},
        {"sub": ""},
        {"sub": 17},
        {"sub": "x" * 192},
        {"name": "x" * 201},
        *({name: None} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
    ],
    ids=",".join,
)
def test_refuses_what_is_not_for_us_or_not_for_now(idp: FakeProvider, claims: dict[str, Any]) -> None:
    with pytest.raises(IdTokenRefused):
        read(idp, token(idp, **claims))


def test_refuses_what_another_key_signed(idp: FakeProvider) -> None:
    other = FakeProvider(issuer=ISSUER, key=idp.key, signs_with=ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(IdTokenRefused):
        read(idp, token(other))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_refuses_signatures_that_anybody_could_make(idp: FakeProvider, algorithm: str) -> None:
    claims = jwt.decode(token(idp), options={"verify_signature": False})
    key = "" if algorithm == "none" else "a client secret that is long enough for a key"
    forged = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": KEY_ID})

    with pytest.raises(IdTokenRefused):
        read(idp, forged)


@pytest.mark.parametrize(
    "change", [{"kid": "other"}, {"use": "enc"}, {"alg": "HS256", "kty": "oct", "k": "c2VjcmV0"}, {"alg": "RS256"}]
)
def test_refuses_what_names_no_fitting_key(idp: FakeProvider, change: dict[str, str]) -> None:
    (key,) = idp.document("/keys")["keys"]

    with pytest.raises(IdTokenRefused):
        read(idp, token(idp), keys={"keys": [key | change]})


def test_refuses_a_name_that_two_keys_have(idp: FakeProvider) -> None:
    (key,) = idp.document("/keys")["keys"]

    with pytest.raises(IdTokenRefused):
        read(idp, token(idp), keys={"keys": [key, key]})


@pytest.mark.parametrize("text", ["", "a.b.c", "e30.e30.", "ä"])
def test_refuses_what_is_no_token(idp: FakeProvider, text: str) -> None:
    with pytest.raises(IdTokenRefused):
        read(idp, text)


def test_a_nonce_tells_nothing_of_where_it_came_from() -> None:
    assert nonce_for("verifier") == nonce_for("verifier") != nonce_for("other")
    assert "verifier" not in nonce_for("verifier")
