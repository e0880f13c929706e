"""Which secrets of signing in are stored, and under which names they are sealed."""

from __future__ import annotations

import re

from tenants import secrets
from tenants.sealed_fields import SealedField, register
from tenants.secrets import SealedWithAnotherKeyError
from tenants.signin.models import IdentityProvider

_CLIENT_SECRET = SealedField("signin.client_secret", "signin.IdentityProvider", "sealed_secret")
# A person belongs to no tenant, so these are the platform's.
_APP_SECRET = SealedField("signin.app_secret", "mfa.Authenticator", "data", key="secret", tenant=None)
_RECOVERY_SEED = SealedField("signin.recovery_seed", "mfa.Authenticator", "data", key="seed", tenant=None)
# allauth does not say which of the two it has us seal. The seed is hexadecimal, the other base 32 in capitals.
_IS_SEED = re.compile(r"[0-9a-f]{80}")

for field in (_CLIENT_SECRET, _APP_SECRET, _RECOVERY_SEED):
    register(field)


def seal_client_secret(provider: IdentityProvider, secret: str) -> None:
    """To be called in the transaction that saves the row."""
    provider.sealed_secret = secrets.seal(secret, tenant_id=provider.tenant_id, field=_CLIENT_SECRET.name)


def client_secret_of(provider: IdentityProvider) -> str:
    """Raises SealedWithAnotherKeyError."""
    return secrets.unseal(provider.sealed_secret, tenant_id=provider.tenant_id, field=_CLIENT_SECRET.name)


def seal_factor(text: str) -> str:
    field = _RECOVERY_SEED if _IS_SEED.fullmatch(text) else _APP_SECRET
    return secrets.seal(text, tenant_id=None, field=field.name)


def unseal_factor(sealed: str) -> str:
    """Raises SealedWithAnotherKeyError. A text opens under the one name that it was sealed with."""
    try:
        return secrets.unseal(sealed, tenant_id=None, field=_APP_SECRET.name)
    except SealedWithAnotherKeyError:
        return secrets.unseal(sealed, tenant_id=None, field=_RECOVERY_SEED.name)
