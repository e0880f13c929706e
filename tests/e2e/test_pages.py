"""The pages in a real browser, served by a real gateway: whole, quiet, and alone with their own host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from django.test import Client, override_settings
from playwright.async_api import Browser

from tenants.models import Tenant, User
from tenants.services import create_member
from tests.support.browser import CHROMIUM, Window, browser_window
from tests.support.decisions import make_instruction, make_plan_run
from tests.support.gateway import RunningGateway, device_at, running_gateway
from tests.support.pages import pages_of_operator, without_repeats
from tests.support.registry import Household, make_household, make_tenant

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]

RED = "rgb(254, 242, 242)"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Scene:
    """One household with a plan, an instruction that was refused and one that was not."""

    household: Household
    plan_url: str
    instruction_url: str
    unlike_pages: tuple[str, ...]


@pytest.fixture(scope="module")
def scene(environment_of_module: dict[str, str]) -> Scene:
    household = make_household("Alder")
    now = datetime.now(UTC)
    operations = make_tenant("Operations", Tenant.Kind.OPERATOR)
    operator = create_member(tenant=operations, username="olga", password=PASSWORD)
    create_member(tenant=household.tenant, username="ann", password=PASSWORD)
    run = make_plan_run(household, at=now - timedelta(minutes=5))
    refused = make_instruction(
        household, plan_run=run, status="REJECTED", issued_at=now, reason="It charges for the evening."
    )
    make_instruction(household, plan_run=run, issued_at=now)
    with override_settings(REDIS_URL=environment_of_module["REDIS_URL"]):
        pages = read_all(operator, household)
    return Scene(
        household,
        f"/admin/cem_service/planrun/{run.pk}/change/",
        f"/admin/cem_service/instruction/{refused.pk}/change/",
        tuple(without_repeats(pages)),
    )


def read_all(operator: User, household: Household) -> dict[str, str]:
    """The HTML of all pages, by their address, for whom has just signed in."""
    client = Client()
    client.post("/accounts/login/", {"login": operator.username, "password": PASSWORD})
    answers = {address: client.get(address, follow=True) for address in pages_of_operator(operator, household)}
    assert [address for address, answer in answers.items() if answer.status_code != 200] == []
    return {address: answer.content.decode() for address, answer in answers.items()}


@pytest.fixture(scope="module")
def gateway(scene: Scene, environment_of_module: dict[str, str]) -> Iterator[RunningGateway]:
    # As in production: templates are read once, and a browser keeps what is static for a while.
    with running_gateway(environment_of_module | {"DEBUG": "0", "OPERATORS_SECOND_FACTOR": "0"}) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def window(browser: Browser, gateway: RunningGateway) -> AsyncIterator[Window]:
    async with browser_window(browser, f"http://127.0.0.1:{gateway.port}") as window:
        yield window


async def sign_in(window: Window, username: str) -> None:
    await window.open("/admin/")
    await window.page.fill("input[name=login]", username)
    await window.page.fill("input[name=password]", PASSWORD)
    await window.page.click("button[type=submit]")
    await window.page.wait_for_selector("#dashboard")


async def test_every_page_is_whole_and_quiet(window: Window, gateway: RunningGateway, scene: Scene) -> None:
    async with device_at(gateway.url(scene.household.rm_node.pk), scene.household.token) as device:
        await device.shake_hands()
        await device.ask("this is <b>not</b> JSON")
        await sign_in(window, "olga")

        for path, texts in expected_on(scene).items():
            shown = await window.open(path)
            assert [text for text in texts if text not in shown] == [], path
        await assert_only_the_refused_one_is_red(window)

        assert "/api/v1/pools/" in await window.open("/api/docs/", ready=".opblock")
    assert window.complaints == []


async def test_no_page_complains_about_the_content_security_policy(window: Window, scene: Scene) -> None:
    """A breach of it is an error on the console, as is an expression of unfold's that ours cannot evaluate.

    Pages that differ in nothing but names are looked at once; all of them are read in `test_content_security`.
    """
    await sign_in(window, "olga")
    assert len(scene.unlike_pages) > 20

    for path in (*scene.unlike_pages, "/api/docs/"):
        await window.open(path)
        assert window.complaints == [], path


async def test_what_moves_on_a_page_moves(window: Window, scene: Scene) -> None:
    """unfold's menus, panels and switches, whose expressions run without `eval`."""
    await sign_in(window, "olga")
    await window.open("/admin/devices/device/")
    page = window.page

    account = page.locator('[x-show="openUserLinks"]')
    assert not await account.is_visible()
    await page.click('[x-on\\:click="openUserLinks = !openUserLinks"]')
    await account.wait_for(state="visible")
    await page.keyboard.press("Escape")

    await page.click('[x-on\\:click="filterOpen = true"] >> visible=true')
    await page.locator('[x-show="filterOpen"]').first.wait_for(state="visible")
    await page.keyboard.press("Escape")
    await page.locator('[x-show="filterOpen"]').first.wait_for(state="hidden")

    # No worker runs here; the page asks until that is said.
    await window.open(f"/admin/sites/{scene.household.site.pk}/what-if/")
    await page.click("#what-if button")
    await page.wait_for_selector("text=Both days are being planned.")
    await page.wait_for_selector("text=No worker has answered in time.")

    await window.open("/admin/devices/device/")
    await page.click("#result_list input.action-select")
    await page.select_option("select[name=action]", "delete_selected")
    await page.locator('button[x-show="action"]').wait_for(state="visible")
    assert window.complaints == []


def expected_on(scene: Scene) -> dict[str, tuple[str, ...]]:
    conversation = f"/admin/links/{scene.household.link.pk}/conversation/"
    return {
        "/admin/": ("Dashboard", "Sessions now", "1 refused", "It charges for the evening."),
        "/admin/sessions/": ("1 session", "Alder battery", "127.0.0.1"),
        conversation: ("from device", "to device", "R-03", "INVALID_DATA"),
        f"{conversation}?findings=1": ("R-03",),
        "/admin/cem_service/instruction/": ("Alder battery", "REJECTED", "SUCCEEDED"),
        scene.instruction_url: ("REJECTED", "It charges for the evening."),
        "/admin/cem_service/planrun/": ("Expected cost of the next day",),
        scene.plan_url: ("The battery charges while it is cheap.", "Buying price", "REJECTED"),
        f"/admin/sites/{scene.household.site.pk}/what-if/": ("What if: Alder house", "Without the energy manager"),
        "/admin/cem_service/tariff/add/": ("24 prices",),
        "/admin/cem_service/siteobjectives/add/": ("Tariff",),
        "/admin/devices/device/": ("Alder battery", "conversation"),
        "/admin/devices/link/": ("Alder battery", "conversation"),
    }


async def assert_only_the_refused_one_is_red(window: Window) -> None:
    await window.open("/admin/cem_service/instruction/")
    rows = window.page.locator("#result_list tbody")
    grounds = await rows.evaluate_all("rows => rows.map(row => getComputedStyle(row).backgroundColor)")
    marked = [await row.locator(".refused-mark").count() == 1 for row in await rows.all()]
    assert sorted(marked) == [False, True]
    assert (grounds[marked.index(True)], grounds[marked.index(False)] == RED) == (RED, False)


async def test_sessions_come_and_go_without_a_reload(window: Window, gateway: RunningGateway, scene: Scene) -> None:
    await sign_in(window, "ann")
    assert "No device is connected." in await window.open("/admin/sessions/")
    await window.page.evaluate("window.notReloaded = true")

    async with device_at(gateway.url(scene.household.rm_node.pk), scene.household.token) as device:
        await device.shake_hands()
        await window.page.wait_for_selector("#sessions >> text=Alder battery")
    await window.page.wait_for_selector("#sessions >> text=No device is connected.")

    assert await window.page.evaluate("window.notReloaded")
    # Signed out elsewhere: the next refresh leads to the form, not to a hole in the page.
    await window.page.context.clear_cookies()
    await window.page.wait_for_selector("input[name=password]")
    assert window.page.url.endswith("/accounts/login/?next=/admin/sessions/")
    assert window.complaints == []
