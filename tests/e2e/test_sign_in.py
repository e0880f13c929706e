"""Signing in in a real browser: a security key, and pages that are whole and quiet on a telephone as well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tenants.services import create_member
from tests.support.browser import CHROMIUM, Window, browser_window
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.registry import make_tenant

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]

PASSWORD = "correct horse battery staple"
SECURITY_KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def gateway(environment_of_module: dict[str, str]) -> Iterator[RunningGateway]:
    alder = make_tenant("Alder")
    for name in ("ann", "abe"):
        create_member(tenant=alder, username=name, password=PASSWORD)
    with running_gateway(environment_of_module) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def window(browser: Browser, gateway: RunningGateway) -> AsyncIterator[Window]:
    # A security key is for a name; an address is none to it.
    async with browser_window(browser, f"http://localhost:{gateway.port}", width=390, height=844) as window:
        yield window


async def sign_in(window: Window, username: str) -> None:
    await window.open("/accounts/login/")
    await window.page.fill("input[name=login]", username)
    await window.page.fill("input[name=password]", PASSWORD)
    await window.page.click("button[type=submit]")


async def test_a_security_key_is_set_up_and_asked_for(window: Window) -> None:
    devtools = await window.page.context.new_cdp_session(window.page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": SECURITY_KEY})

    await sign_in(window, "ann")
    await window.page.wait_for_url("**/admin/")
    await window.open("/accounts/2fa/webauthn/add/")
    await window.page.click("#mfa_webauthn_add")
    await window.page.wait_for_url("**/accounts/2fa/recovery-codes/")
    await window.open("/accounts/")
    await window.page.click("text=Sign out")
    await window.page.wait_for_selector("input[name=password]")

    await sign_in(window, "ann")
    await window.page.click("#mfa_webauthn_authenticate")
    await window.page.wait_for_url("**/admin/")
    assert window.complaints == []


async def test_no_page_is_wider_than_a_telephone(window: Window) -> None:
    await sign_in(window, "abe")
    await window.page.wait_for_url("**/admin/")

    for path in ("", "password/change/", "2fa/", "2fa/totp/activate/", "2fa/webauthn/add/"):
        await window.open(f"/accounts/{path}", ready="main")
        assert await window.page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert window.complaints == []
