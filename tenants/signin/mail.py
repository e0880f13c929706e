"""The mails to people. They are made by tasks: links are known there only, and a request waits for no server.

That a request for a mail takes as long for an address nobody knows as for one that somebody has is a promise of its own
(`request_password_reset`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from allauth.account.forms import default_token_generator
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from tenants.models import User
from tenants.scope import identity_scope
from tenants.signin.models import Invitation

# Several people may have one address, as a family does; nobody has a reason for more.
MOST_PEOPLE_OF_ADDRESS = 5


def ask_for(task: str, **names: str) -> None:
    """Have a task of this app send a mail. Raises kombu's OperationalError where the queue is away."""
    from tenants.signin import tasks  # Tasks import what calls this.

    getattr(tasks, task).apply_async(kwargs=names, retry=False)


def request_password_reset(email: str) -> None:
    """Ask for the mail without looking whether anybody has this address: the task does."""
    ask_for("send_password_reset", email=email)


def send_invitation(invitation: Invitation, token: str) -> None:
    """Raises OSError."""
    link = _address("signin_invitation", token=token)
    _send("invitation", invitation.email, {"invitation": invitation, "link": link})


def send_password_reset(email: str) -> None:
    """To everybody with this address, or to nobody. Raises OSError."""
    for username, link in _reset_links(email):
        _send("password_reset", email, {"username": username, "link": link})


def send_notice(email: str, *, username: str, what: str, at: datetime, advice: str) -> None:
    """`what` is a sentence, `advice` whether an `account` or a `program` is concerned. Raises OSError."""
    _send("notice", email, {"username": username, "what": what, "at": at, "advice": advice})


def _reset_links(email: str) -> list[tuple[str, str]]:
    with identity_scope("make links for a new password"):
        people = filter_users_by_email(email, is_active=True, prefer_verified=True)[:MOST_PEOPLE_OF_ADDRESS]
        return [(user.get_username(), _reset_link(user)) for user in people]


def _reset_link(user: User) -> str:
    key = default_token_generator.make_token(user)
    return _address("account_reset_password_from_key", uidb36=user_pk_to_url_str(user), key=key)


def _address(view: str, **parts: str) -> str:
    """Where people find a page; not the host that some request named."""
    return urljoin(settings.PUBLIC_URL, reverse(view, kwargs=parts))


def _send(template: str, to: str, context: dict[str, Any]) -> None:
    # A subject is one line: what is a tenant's own text must not begin another header.
    subject = " ".join(render_to_string(f"signin/mail/{template}_subject.txt", context).split())
    body = render_to_string(f"signin/mail/{template}.txt", context)
    EmailMessage(subject, body, to=[to]).send()
