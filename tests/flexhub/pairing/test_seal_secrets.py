from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from flexhub.pairing.dialled import create_dialled_end
from flexhub.pairing.models import DialledEnd
from tenants.scope import tenant_scope
from tenants.secrets import unseal
from tests.support.registry import make_household

pytestmark = pytest.mark.django_db


def test_changes_the_key_of_every_secret(settings: Settings) -> None:
    alder = make_household("Alder")
    create_dialled_end(link=alder.link, role="RM", url="wss://devices.example", token="geheim")
    settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *settings.SECRETS_KEYS]
    output = io.StringIO()

    call_command("seal_secrets", stdout=output)

    assert output.getvalue() == "Secrets sealed under the first key: 1.\n"
    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    with tenant_scope(alder.tenant.pk):
        assert unseal(DialledEnd.objects.get().sealed_token) == "geheim"
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("seal_secrets")
