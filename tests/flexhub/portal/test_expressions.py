"""`portal/expressions.js` in a real browser that forbids `eval`, with the expressions of unfold's templates."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import unfold

from tests.support.browser import CHROMIUM, Window, browser_window, running_browser
from tests.support.early import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]

STATIC = ROOT / "platform" / "flexhub" / "portal" / "static" / "portal"
# Attributes whose text Alpine evaluates; those of x-ref, x-teleport and transitions are no expressions.
_EXPRESSION = re.compile(
    r"""\s(?:x-(?:data|init|show|if|text|model|bind|on|for|anchor|resize|sort)|@|:)[\w.:-]*="((?:[^"{%]|\{(?![{%])|%)*)\"""",
    re.DOTALL,
)
# What a scope holds in the tests below.
SCOPE = "{open: false, number: 2, list: ['a', 'b'], item: {name: 'x'}, double: n => n * 2, nothing: null}"
MEANINGS: dict[str, Any] = {
    "1 + 2 * 3 - 4 / 2": 5,
    "(1 + 2) * 3": 9,
    "!open && number >= 2": True,
    "number == 3 || 'no'": "no",
    "number === 2 ? 'two' : 'other'": "two",
    "nothing ?? -1": -1,
    "nothing?.name": "undefined",
    "{ a: 1, 'b-c': [number, 'x'] }": {"a": 1, "b-c": [2, "x"]},
    "list.includes('b')": True,
    "list.map(each => each + '!')": ["a!", "b!"],
    "list[1] + list.length": "b2",
    "double(number)": 4,
    "'it\\'s'": "it's",
    "if (open) 1; else { 2; 3 }": 3,
    "element.tagName.toLowerCase()": "body",
}
# Whoever smuggles an attribute into a page must not run a program by it.
HOSTILE = (
    "list.constructor.constructor('alert(1)')()",
    "list[['constructor']]",
    "double.call(1)",
    "item.__proto__.polluted = 1",
    "item.__lookupGetter__('__proto__')",
    "element.innerHTML = '<img src=x>'",
    "element.ownerDocument.defaultView",
    "event.view",
    "frame.fetch('/admin/')",
    "constructor",
    "{ __proto__: item }",
)
UNKNOWN = ("document", "window", "fetch", "eval", "localStorage")
UNREADABLE = ("a ? b", "while (true) {}", "a b", "1 +", "function () {}", "`x`", "open =")
EVALUATE = f"""
    ([text]) => {{
        const scope = {SCOPE};
        scope.element = document.body;
        scope.event = new MouseEvent('click', {{view: window}});
        scope.frame = window;
        try {{
            const value = flexhubExpressions.compile(text, {{}})(scope);
            return {{value: value === undefined ? 'undefined' : value, open: scope.open, name: scope.item.name}};
        }} catch (error) {{
            return {{error: error.name}};
        }}
    }}
"""


@pytest.fixture
async def window() -> AsyncIterator[Window]:
    async with running_browser() as browser, browser_window(browser, "about:") as window:
        await window.page.set_content(
            "<meta http-equiv='Content-Security-Policy' content=\"script-src 'unsafe-inline'\"><body></body>"
        )
        await window.page.add_script_tag(content=(STATIC / "expressions.js").read_text(encoding="utf-8"))
        yield window


def expressions_of_unfold() -> set[str]:
    """Those without a template's own tags in them, as unfold's pages use them; x-for names its variables first."""
    folder = Path(unfold.__file__).parent / "templates"
    found = {
        unescape(text)
        for file in folder.rglob("*.html")
        if "forms" not in file.parts
        for text in _EXPRESSION.findall(file.read_text(encoding="utf-8"))
    }
    return {re.sub(r"^\s*\(.*\)\s+in\s+", "", text) for text in found if text.strip()}


async def test_understands_every_expression_of_unfold(window: Window) -> None:
    texts = sorted(expressions_of_unfold())
    assert len(texts) > 60

    misunderstood = await window.page.evaluate(
        "texts => texts.filter(text => { try { flexhubExpressions.compile(text, {}) } catch { return true } })", texts
    )

    assert misunderstood == []


async def test_means_what_javascript_means_and_reaches_no_further_than_the_page(window: Window) -> None:
    async def evaluate(text: str) -> dict[str, Any]:
        found: dict[str, Any] = await window.page.evaluate(EVALUATE, [text])
        return found

    assert {text: (await evaluate(text)).get("value") for text in MEANINGS} == MEANINGS
    changed = await evaluate("open = !open; item.name += 'y'")
    assert (changed["open"], changed["name"]) == (True, "xy")
    assert {text: (await evaluate(text)).get("error") for text in HOSTILE} == dict.fromkeys(HOSTILE, "TypeError")
    assert {name: (await evaluate(name))["value"] for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "undefined")
    assert {text: (await evaluate(text)).get("error") for text in UNREADABLE} == dict.fromkeys(
        UNREADABLE, "SyntaxError"
    )
