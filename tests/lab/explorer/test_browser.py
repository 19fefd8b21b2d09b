"""The explorer in a real browser: no error on any page, a live page that moves, keyboard, phone, dark, axe."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from lab.explorer.app import Explorer
from lab.explorer.serve import listen
from lab.explorer.shelf import Shelf
from lab.explorer.worker import Worker
from lab.record.entries import GradedRound
from lab.run.events import Stage
from lab.run.status import RunStatus
from tests.lab.records import make_record

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT_MS = 120_000
PAGES = (
    *("/", "/run/first", "/tasks/first", "/task/0/1/first", "/miner/4/first", "/validator/0/first", "/coldkeys/first"),
    *("/study/study", "/compare?a=first&b=hostile", "/run/hostile", "/task/0/1/hostile", "/nothing"),
)
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; get it with: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the extra dev")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(runs: Path, worker: Worker) -> Iterator[str]:
    with listen("127.0.0.1", 0) as socket:
        app = Explorer(Shelf.of(str(runs)), worker, place="runs").app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        server.should_exit = True
        thread.join()


class Reader:
    """A person with a browser, who notes every error that it reports."""

    def __init__(self, browser: Any, address: str, *, scheme: str = "light", width: int = 1200) -> None:
        self._address = address
        self._context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        self.page = self._context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "404 (Not Found)" not in text:  # of a page that is not there
            self.errors.append(text)

    def open(self, path: str) -> Any:
        """Open a page and wait until all of its parts are there."""
        self.page.goto(self._address + path)
        waiting = self.page.get_by_text("Working…")
        for part in waiting.all():
            part.wait_for(state="detached")
        return self.page

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def reader(browser: Any, address: str) -> Iterator[Reader]:
    reader = Reader(browser, address)
    yield reader
    reader.close()


def faults(page: Any) -> list[str]:
    """Return what axe finds to be a serious fault, with the element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]}" for each in found if each["impact"] in SERIOUS for node in each["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_every_page_opens_without_an_error_and_without_a_serious_fault(
    browser: Any, address: str, scheme: str, width: int
) -> None:
    reader = Reader(browser, address, scheme=scheme, width=width)
    for path in PAGES:
        page = reader.open(path)
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert faults(page) == [], path
    assert reader.errors == []
    reader.close()


def test_what_a_stranger_wrote_runs_nowhere(reader: Reader) -> None:
    dialogs: list[str] = []
    reader.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in ("/", "/run/hostile", "/miner/3/hostile", "/task/0/1/hostile", "/coldkeys/hostile", "/published/study"):
        page = reader.open(path)
        assert page.locator("img[src=x]").count() == 0
    assert dialogs == []


def test_the_page_of_a_run_under_way_moves_by_itself(browser: Any, worker: Worker, tmp_path: Path) -> None:
    folder = tmp_path / "live"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright keeps an event loop in this thread
        record = elsewhere.submit(make_record, folder, epochs=1).result()
    status = RunStatus(run="x", folder="x", stage=Stage.RUNNING, session=0, epoch=1, epochs=4, rounds=6, of=24)
    status.write(folder)
    with listen("127.0.0.1", 0) as socket:
        server = uvicorn.Server(uvicorn.Config(Explorer(Shelf.of(str(tmp_path)), worker).app(), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        reader = Reader(browser, f"http://127.0.0.1:{socket.getsockname()[1]}")
        page = reader.open("/run/live")
        page.get_by_text("6 of 24").wait_for()
        graded = next(map(GradedRound.of, record.entries("round"))).model_copy(update={"number": 3})
        record.append([graded.draft("round", graded.key)])
        page.get_by_text("7 of 24").wait_for()
        assert reader.errors == []
        reader.close()
        server.should_exit = True
        thread.join()
    record.close()


def test_the_keyboard_reaches_everything(reader: Reader) -> None:
    page = reader.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    names: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
        if names[-1] == "/run/first":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/run/first")
    page.get_by_role("heading", level=1, name="Digits").wait_for()
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0


def test_two_runs_are_compared_from_the_front_page(reader: Reader) -> None:
    page = reader.open("/")
    page.get_by_label("Second run").select_option("study/arms/one")
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Both are the same record").wait_for()
