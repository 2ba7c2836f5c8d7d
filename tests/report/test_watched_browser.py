"""The browser of these tests sees each fault that a report could have."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from watched_browser import chromium, watched

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
POLICY = "<!doctype html><meta http-equiv='Content-Security-Policy' content=\"img-src 'none'\">"
WITHOUT_FAULT = f"<!doctype html><title>Report</title><h1>Right</h1><img src='{PIXEL}' alt='a pixel'>"
BLOB = "<script>fetch(URL.createObjectURL(new Blob(['a']))).then(() => { document.title = 'read' })</script>"
FAULTS = {
    "console: not right": "<script>console.error('not right')</script>",
    "console: .*Content Security Policy": f"{POLICY}<img src='{PIXEL}'>",
    "error: not caught": "<script>throw new Error('not caught')</script>",
    "error: not awaited": "<script>Promise.reject(new Error('not awaited'))</script>",
    "dialog: 1": "<script>alert(1)</script>",
    "request: http://nowhere.invalid/a.png": "<img src='http://nowhere.invalid/a.png'>",
    "request: file:///.*/beside.js": "<script src='beside.js'></script>",
    "(request: ws|console: WebSocket connection to 'ws)://nowhere.invalid/": "<script>new WebSocket('ws://nowhere.invalid')</script>",
    "request: file:///.*/frame.html": "<iframe src='frame.html'></iframe>",
    "popup": "<script>window.open('about:blank')</script>",
}


def opened(page: Page, text: str, folder: Path) -> None:
    (folder / "page.html").write_text(text)
    page.goto((folder / "page.html").as_uri())


def test_a_page_without_fault_passes(page: Page, tmp_path: Path) -> None:
    opened(page, WITHOUT_FAULT + BLOB, tmp_path)
    page.wait_for_function("document.title === 'read'")
    assert page.get_by_role("heading").inner_text() == "Right"
    assert page.evaluate("document.images[0].naturalWidth") == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails_the_test(browser: Browser, tmp_path: Path, fault: str) -> None:
    for name in ("beside.js", "frame.html"):
        (tmp_path / name).write_text("")
    with pytest.raises(AssertionError, match=fault), watched(browser) as page:
        opened(page, FAULTS[fault], tmp_path)


def test_without_a_browser_tests_are_skipped_unless_it_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CI_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        chromium()
    monkeypatch.setenv("CI_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        chromium()
