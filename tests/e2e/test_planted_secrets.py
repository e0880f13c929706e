"""What a thief of the database, of Redis and of the logs would find: everything but a secret."""

from __future__ import annotations

import asyncio
import html
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone
from pytest_django import Settings
from websockets.exceptions import InvalidStatus

from cem_service.feeds.services import create_feed
from flexhub.pairing.dialled import create_dialled_end
from s2.messages import EnergyManagementRole
from tenants import api_clients, tokens
from tenants.models import APIClient, Tenant
from tenants.scope import identity_scope, tenant_scope
from tenants.sealed_fields import registered
from tenants.services import create_api_client, create_member
from tenants.signin.models import IdentityProvider
from tenants.signin.sealed import seal_client_secret, unseal_factor
from tests.simulators.entsoe import TOKEN as ENTSOE_TOKEN
from tests.simulators.entsoe import ZONE as ENTSOE_ZONE
from tests.simulators.entsoe import EntsoeServer
from tests.simulators.feed_server import Fault, FeedServer
from tests.simulators.feed_server import running as serving
from tests.support.dumps import dump_of_database, dump_of_redis, written_forms
from tests.support.early import ROOT
from tests.support.gateway import device_at
from tests.support.hub import free_port
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, running_provider
from tests.support.peer_elsewhere import PeerElsewhere, until
from tests.support.registry import Household, make_household, make_tenant
from tests.support.services import Addresses, DatabaseOfTests
from tests.support.threads import await_that, with_connection_closed

PASSWORD = "correct horse/battery+staple"
PEERS_TOKEN = tokens.new_token("not-one-of-ours-")
CELERY = (sys.executable, "-m", "celery", "-A", "flexhub.celery", "worker", "-B", "-Q", "cem,plan,default,rm")


@pytest.fixture
def market() -> Iterator[FeedServer]:
    """A provider of prices that is out of order: what goes wrong is written down."""
    server = EntsoeServer()
    server.fault = Fault.BROKEN
    with serving(server):
        yield server


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def environment(service_environment: dict[str, str], market: FeedServer) -> dict[str, str]:
    return service_environment | {
        "FEED_ENDPOINTS": f"entsoe.api={market.url}/api",
        "FEEDS_LOCAL": "1",
        "LOG_LEVEL": "DEBUG",
        "S2_DIAL_PLAIN": "1",
        "S2_DIAL_PRIVATE": "1",
        "SECRET_KEY": f"secret-key-{uuid4()}",
        "SIGN_IN_PROVIDERS_LOCAL": "1",
        "PYTHONPATH": f"{ROOT / 'platform'}",
    }


@contextmanager
def running(log: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()


@pytest.fixture
def hub(environment: dict[str, str], transactional_db: None, tmp_path: Path) -> Iterator[int]:
    """The port of a gateway; beside it a worker with beat."""
    port = free_port()
    beat = ("--schedule", str(tmp_path / "beat"), "--pool", "threads", "--concurrency", "2", "--loglevel", "DEBUG")
    with ExitStack() as stack:
        gateway = (sys.executable, "manage.py", "gateway", "--port", str(port))
        stack.enter_context(running(tmp_path / "gateway.log", gateway, environment))
        stack.enter_context(running(tmp_path / "worker.log", (*CELERY, *beat), environment))
        for log, word in (("worker.log", b"ready."), ("gateway.log", b"listening on")):
            await_that(partial(says, tmp_path / log, word))
        yield port


def says(log: Path, word: bytes) -> bool:
    return word in log.read_bytes()


async def test_no_copy_holds_a_secret(
    hub: int,
    environment: dict[str, str],
    own_database: DatabaseOfTests,
    services: Addresses,
    redis_url: str,
    settings: Settings,
    tmp_path: Path,
    market: FeedServer,
    provider: FakeProvider,
) -> None:
    settings.S2_DIAL_PLAIN = settings.S2_DIAL_PRIVATE = True
    peer = PeerElsewhere(EnergyManagementRole.RM)
    peer.token = PEERS_TOKEN
    async with peer.listening():
        alder, program, client_secret = await asyncio.to_thread(with_connection_closed, plant, peer.url())
        provider_path = await asyncio.to_thread(with_connection_closed, trust, alder.tenant, provider)
        browser = Browser(f"http://127.0.0.1:{hub}")
        await asyncio.to_thread(sign_in, browser)
        await asyncio.to_thread(connect, browser, provider_path, provider)
        seed = await asyncio.to_thread(add_second_factor, browser)
        access_token = await asyncio.to_thread(call_api, f"http://127.0.0.1:{hub}", program, client_secret)
        await use_device(hub, alder)
        await until(peer.open_paths)
        await asyncio.to_thread(await_that, partial(says, tmp_path / "worker.log", b"feeds.failing"))
        database = await asyncio.to_thread(dump_of_database, with_all_rows(services, own_database))
        in_redis = await asyncio.to_thread(dump_of_redis, redis_url)
    logs = await asyncio.to_thread(logs_in, tmp_path)

    sealed = {
        "pairing.dialledend.token": PEERS_TOKEN,
        "feeds.feed.credential": ENTSOE_TOKEN,
        "signin.client_secret": CLIENT_SECRET,
        "signin.app_secret": seed,
        "signin.recovery_seed": await asyncio.to_thread(with_connection_closed, recovery_seed),
    }
    assert sealed.keys() == {field.name for field in registered()}, "plant a secret of each sealed field"
    secrets = sealed | {
        "device token": alder.token,
        "API client's secret": client_secret,
        "access token": access_token,
        "password": PASSWORD,
        "session key": browser.cookie("session"),
        **{name: environment[name] for name in ("SECRET_KEY", "SECRETS_KEYS")},
        **passwords_in(environment),
    }
    copies = {"PostgreSQL": database, "Redis": in_redis, "the logs": logs}
    assert_all_was_dumped(copies, alder)
    assert secrets_found(copies, secrets) == []
    assert market.calls[0].query["securityToken"] == ENTSOE_TOKEN
    assert provider.asked.count("/token") == 2


def secrets_found(copies: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Which secret stands in which copy, in any form in which it could be written."""
    return [
        f"{secret} {form} in {place}"
        for place, copy in copies.items()
        for secret, text in secrets.items()
        for form, written in written_forms(text).items()
        if written in copy
    ]


def plant(url: str) -> tuple[Household, APIClient, str]:
    alder, birch = make_household("Alder"), make_household("Birch")
    create_member(tenant=alder.tenant, username="ann", password=PASSWORD)
    create_dialled_end(link=birch.link, role="RM", url=url, token=PEERS_TOKEN)
    zone = {"bidding_zone": ENTSOE_ZONE}
    now = timezone.now()
    create_feed(tenant=alder.tenant, provider="entsoe", name="prices", settings=zone, credential=ENTSOE_TOKEN, now=now)
    program = create_api_client(tenant=make_tenant("Cedar", Tenant.Kind.AGGREGATOR), name="desk")
    return alder, program, api_clients.issue_secret(program, now=timezone.now())


class Browser:
    """As much of one as it takes to fill in forms."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def cookie(self, name: str) -> str:
        return {cookie.name: cookie.value or "" for cookie in self._jar}[name]

    def open(self, path: str, **form: str) -> str:
        """The page in the end. With a form it is posted; the path has been opened before then."""
        data = urllib.parse.urlencode(form | {"csrfmiddlewaretoken": self.cookie("csrf")}) if form else ""
        with self._opener.open(f"{self._base}{path}", data.encode() or None, timeout=30) as page:
            return str(page.read().decode())


def sign_in(browser: Browser) -> None:
    """With a wrong name first."""
    login = "/accounts/login/"
    browser.open(login)
    for name in ("nobody", "ann"):
        page = browser.open(login, login=name, password=PASSWORD, next="/admin/")
    assert "Dashboard" in page


def trust(tenant: Tenant, provider: FakeProvider) -> str:
    """Have the tenant's people sign in there as well. Returns the path at which they do."""
    row = IdentityProvider(tenant=tenant, name="Alder login", issuer=provider.issuer, client_id=CLIENT_ID)
    with tenant_scope(tenant.pk):
        seal_client_secret(row, CLIENT_SECRET)
        row.save()
    return f"/accounts/oidc/{row.pk}/login/"


def connect(browser: Browser, path: str, provider: FakeProvider) -> None:
    """With an id token for somebody else first, so that something goes wrong after the secret was sent."""
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        through(browser, path, provider, aud="another")
    caught.value.close()
    through(browser, path, provider)
    assert "Disconnect" in browser.open("/accounts/")


def through(browser: Browser, path: str, provider: FakeProvider, **claims: str) -> str:
    page = browser.open(f"{path}?process=connect", go="on")
    found = re.search(rf'href="({re.escape(provider.issuer)}/authorize[^"]*)"', page)
    assert found, page
    back = urllib.parse.urlsplit(provider.approve(html.unescape(found[1]), sub="ann-there", **claims))
    return browser.open(f"{back.path}?{back.query}")


def add_second_factor(browser: Browser) -> str:
    """Returns its seed."""
    activate = "/accounts/2fa/totp/activate/"
    found = re.search(r"\b[A-Z2-7]{32}\b", browser.open(activate))
    assert found
    code = format_hotp_value(hotp_value(found[0], int(time.time()) // 30))
    assert "recovery" in browser.open(activate, code=code).lower()
    return found[0]


def recovery_seed() -> str:
    """What the recovery codes follow from; nobody is ever shown it."""
    with identity_scope("test"):
        factor = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
        return unseal_factor(factor.data["seed"])


def call_api(base: str, program: APIClient, secret: str) -> str:
    """With a wrong token first. Returns the access token."""
    form = {"grant_type": "client_credentials", "client_id": str(program.pk), "client_secret": secret}
    api = urllib.request.build_opener()
    answer = json.load(api.open(f"{base}/oauth/token", urllib.parse.urlencode(form).encode(), timeout=30))
    for token, status in ((f"{answer['access_token']}x", 401), (answer["access_token"], 404)):
        api.addheaders = [("Authorization", f"Bearer {token}")]
        with pytest.raises(urllib.error.HTTPError) as caught:
            api.open(f"{base}/api/v1/pools/{uuid4()}/flexibility", timeout=30)
        assert caught.value.code == status
        caught.value.close()
    return str(answer["access_token"])


async def use_device(port: int, alder: Household) -> None:
    """At a door that is not its own, then at its own."""
    base = f"ws://127.0.0.1:{port}/s2/v0"
    with pytest.raises(InvalidStatus, match="401"):
        async with device_at(f"{base}/{uuid4()}?token={alder.token}", alder.token):
            pass
    async with device_at(f"{base}/{alder.rm_node.pk}", alder.token) as device:
        await device.shake_hands()


def logs_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("*.log"))


def with_all_rows(services: Addresses, database: DatabaseOfTests) -> str:
    """The address of the database for whoever may see every row, row-level security or not."""
    name = urllib.parse.urlsplit(database.owner_url).path
    return urllib.parse.urlunsplit(urllib.parse.urlsplit(services.maker_url)._replace(path=name))


def passwords_in(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: urllib.parse.urlsplit(environment[name]).password for name in ("DATABASE_URL", "REDIS_URL")}
    return {f"password of {name}": urllib.parse.unquote(password) for name, password in found.items() if password}


def assert_all_was_dumped(copies: Mapping[str, bytes], alder: Household) -> None:
    """What is no secret is there, or nothing could be found anyway."""
    assert b"Alder battery" in copies["PostgreSQL"]
    assert tokens.digest(alder.token).encode() in copies["PostgreSQL"]
    assert str(alder.link.pk).encode() in copies["Redis"]
    assert str(alder.link.pk).encode() in copies["the logs"]
    assert b'"debug"' in copies["the logs"] or b"[debug" in copies["the logs"]
