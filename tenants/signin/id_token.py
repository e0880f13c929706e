"""What a provider says about a person, and whether to believe it (OpenID Connect Core 3.1.3.7).

IdTokenRefused      the text says which rule was broken; it holds nothing of the token
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import jwt
from pydantic import BaseModel, Field, ValidationError

# Signatures that only the provider can make. With HS256 its client secret could, and what was signed with a public key
# taken for a shared one; `none` is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# How far the provider's clock may be off.
LEEWAY_S = 60
# A token that is older was not made for this sign-in, however long it says that it holds.
MAX_AGE_S = 600
_WEB = r"^https?://"


class IdTokenRefused(Exception):
    """Nobody signs in with this token."""


class Discovery(BaseModel):
    """A provider's document about itself (OpenID Connect Discovery 3), as far as we use it."""

    issuer: str = Field(max_length=500)
    authorization_endpoint: str = Field(max_length=2000, pattern=_WEB)
    token_endpoint: str = Field(max_length=2000, pattern=_WEB)
    jwks_uri: str = Field(max_length=2000, pattern=_WEB)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @property
    def is_secure(self) -> bool:
        addresses = (self.issuer, self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return all(address.startswith("https://") for address in addresses)


class Claims(BaseModel):
    """Of what the token says we keep this and no more. `sub` is the person's name at this provider, never reused."""

    iss: str
    # allauth's column for it holds 191 characters; the standard allows 255 and providers use far less.
    sub: str = Field(min_length=1, max_length=191)
    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=254)


def nonce_for(code_verifier: str) -> str:
    """The nonce of a sign-in, derived from the other secret that the person's session keeps for it.

    The provider gets to see this digest and another one, the code challenge; neither leads back to the verifier.
    """
    return hashlib.sha256(f"nonce {code_verifier}".encode()).hexdigest()


def read_id_token(text: str, *, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str) -> Claims:
    """Raises IdTokenRefused. `keys` is the provider's JWK Set."""
    try:
        claims = jwt.decode(
            text,
            key=_key_for(text, keys),
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
        read = Claims.model_validate(claims)
    except jwt.PyJWTError as error:
        raise IdTokenRefused(type(error).__name__) from None
    except (ValidationError, RecursionError):
        raise IdTokenRefused("a claim has the wrong form") from None
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise IdTokenRefused("the nonce is that of another sign-in")
    # Who is named here asked for the token; somebody else's token for us is not ours to take.
    if claims.get("azp", client_id) != client_id:
        raise IdTokenRefused("it was made for another client")
    if time.time() - claims["iat"] > MAX_AGE_S + LEEWAY_S:
        raise IdTokenRefused("it is too old")
    return read


def _key_for(text: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    """Raises jwt.PyJWTError and IdTokenRefused."""
    key_id = jwt.get_unverified_header(text).get("kid")
    found = jwt.PyJWKSet.from_dict(dict(keys)).keys
    usable = [key for key in found if key.public_key_use in (None, "sig") and key.algorithm_name in ALGORITHMS]
    named = [key for key in usable if key.key_id == key_id] if key_id is not None else usable
    if len(named) != 1:
        raise IdTokenRefused("it names no key of the provider")
    return named[0]
