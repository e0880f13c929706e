"""Django's own commands about people, which know nothing of scopes."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from tenants.management.commands import changepassword
from tenants.models import User
from tests.support.registry import audited, make_superuser

pytestmark = pytest.mark.django_db


def test_makes_the_first_superuser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long and odd one")

    call_command("createsuperuser", interactive=False, username="root", email="root@x.test", verbosity=0)

    root = User.objects.get_by_natural_key("root")
    assert root.is_superuser
    assert root.check_password("a long and odd one")
    (told,) = audited("tenants.user.created")
    assert (told["object_name"], told["via"], told["after"]["is_superuser"]) == ("root", "command", True)
    assert told["after"]["password"] == "(secret)"


def test_changes_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    make_superuser("root")
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_: "a long and odd one")

    call_command("changepassword", "root")

    assert User.objects.get_by_natural_key("root").check_password("a long and odd one")
    (told,) = audited("tenants.user.password_changed")
    assert (told["object_name"], told["via"], told["after"]) == ("root", "command", None)
