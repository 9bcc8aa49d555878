"""A real browser, headless and without a network, for the pages that people open."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium to open the pages with: `apt-get install chromium`, or put one on the PATH"


@dataclass
class Visit:
    """An open page, what its console complained of, and what it asked of a network."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self, only: str | None = None, but: str | None = None) -> list[str]:
        """What breaks axe-core's rules, as the page is now: of all, of one or those of a tag, or of all but one."""
        options = {"resultTypes": ["violations"]}
        options |= {"runOnly": [only]} if only else {}
        options |= {"rules": {but: {"enabled": False}}} if but else {}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        # --no-sandbox: in a container Chromium runs as root, which its sandbox refuses
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@contextmanager
def visits(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open files; options are those of a browser context, such as `color_scheme="dark"`."""
    contexts = []

    def open_page(path: Path, **options: object) -> Visit:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        found = Visit(context.new_page())

        def note(request: Request) -> None:
            if not request.url.startswith(("file:", "data:", "blob:")):
                found.requests.append(request.url)

        found.page.on("request", note)
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("console", lambda said: said.type in ("error", "warning") and found.complaints.append(said.text))
        found.page.goto(path.resolve().as_uri())
        return found

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open pages of a test's own."""
    with visits(browser) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open pages for all tests of a module that only look at them."""
    with visits(browser) as open_page:
        yield open_page
