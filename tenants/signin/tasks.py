"""Mails, tried again for a quarter of an hour where their server cannot be reached. What is asked for is no secret.

A wait is shorter than the broker's visibility timeout (`flexhub.celery`): a longer one would be delivered twice.
"""

from datetime import datetime
from uuid import UUID

from celery import shared_task

from tenants.signin import invitations, mail
from tenants.tasks import TenantTask


class MailTask(TenantTask):
    """Tried again after 5, 10, 20, 40 and then each 60 s: for 15 min and 15 s in all.

    Celery's jitter would take a random part of each pause, which makes it half of that on average.
    """

    abstract = True
    autoretry_for = (OSError,)
    retry_backoff = 5
    retry_backoff_max = 60
    retry_jitter = False
    max_retries = 18


@shared_task(base=MailTask)
def send_invitation(*, tenant_id: str, invitation_id: str, **_: object) -> None:
    invitations.send(tenant_id=UUID(tenant_id), invitation_id=UUID(invitation_id))


@shared_task(base=MailTask)
def send_password_reset(*, email: str, **_: object) -> None:
    mail.send_password_reset(email)


@shared_task(base=MailTask)
def send_notice(*, email: str, username: str, what: str, at: str, advice: str, **_: object) -> None:
    """It takes what is to be read and no ids: a former e-mail address is in no row any more."""
    mail.send_notice(email, username=username, what=what, at=datetime.fromisoformat(at), advice=advice)
