"""Fixtures: a page in headless Chromium that may do nothing that a report must not do, such as complain or fetch."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # all tests load this file
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Route

BROWSERS = ("google-chrome", "chromium", "chromium-browser")
MISSING = "no browser is installed; `.ci/browser` does it (apt-get install chromium)"
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One a process."""
    from playwright.sync_api import sync_playwright

    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[NO_NETWORK])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page for `page.goto(path.as_uri())`; what `watched` finds fails the test at its end."""
    with watched(browser) as page:
        yield page


def chromium() -> str:
    """The system's program. Where there is none the test is skipped, or fails if CI_BROWSER is set."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        (pytest.fail if os.environ.get("CI_BROWSER") else pytest.skip)(MISSING)
    return program


@contextmanager
def watched(browser: "Browser") -> Iterator["Page"]:
    """A page without network. AssertionError at the end where it logged an error, asked, opened or fetched anything."""
    faults: list[str] = []

    def logged(message: "ConsoleMessage") -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    def asked(dialog: "Dialog") -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def requested(route: "Route") -> None:
        request = route.request
        if request.url.startswith("file:") and request.is_navigation_request() and not request.frame.parent_frame:
            route.continue_()
        else:
            faults.append(f"request: {request.url}")
            route.abort()

    context = browser.new_context()
    try:
        context.route(lambda url: not url.startswith(("data:", "blob:")), requested)
        page = context.new_page()
        page.on("console", logged)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("dialog", asked)
        page.on("websocket", lambda socket: faults.append(f"request: {socket.url}"))
        page.on("popup", lambda other: faults.append(f"popup: {other.url}"))
        yield page
        page.evaluate("new Promise(resolve => setTimeout(resolve))")  # what has happened is told before its answer
        assert not faults, "\n".join(faults)
    finally:
        context.close()
