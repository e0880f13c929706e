"""What `manage.py check --deploy` says about signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.http.request import split_domain_port, validate_host


@register(Tags.security, deploy=True)
def operators_show_a_second_factor(**_: Any) -> list[CheckMessage]:
    if settings.OPERATORS_SECOND_FACTOR:
        return []
    return [Error("OPERATORS_SECOND_FACTOR is off: a password alone opens all tenants.", id="signin.E001")]


@register(Tags.security, deploy=True)
def mails_leave_the_machine(**_: Any) -> list[CheckMessage]:
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        return [Error("EMAIL_TO_CONSOLE is on: links that let people in are printed.", id="signin.E002")]
    return []


@register(Tags.security, deploy=True)
def providers_are_outside(**_: Any) -> list[CheckMessage]:
    if settings.SIGN_IN_PROVIDERS_LOCAL:
        return [Error("SIGN_IN_PROVIDERS_LOCAL is on: tenants can have our network asked.", id="signin.E003")]
    return []


@register(Tags.security, deploy=True)
def links_in_mails_are_answered(**_: Any) -> list[CheckMessage]:
    host, _port = split_domain_port(urlsplit(settings.PUBLIC_URL).netloc)
    if validate_host(host, settings.ALLOWED_HOSTS):
        return []
    return [Error("The host of PUBLIC_URL is not among ALLOWED_HOSTS: links in mails are no use.", id="signin.E004")]
