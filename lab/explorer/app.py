"""The explorer as a web application: it reads records, and changes nothing.

    app = Explorer(Shelf.of("runs"), Worker()).app(token=None)

Pages are rendered on the server from sections of the report's kind. What takes long (charts, the report, a replay) is a
part that the page fetches afterwards, as is the progress of a run under way, which it fetches again and again.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from lab.errors import RecordError
from lab.report.html import environment
from lab.report.section import Section
from lab.results.neurons import U16
from subnets import SubnetlabError

from .guard import Guard
from .index import RunIndex
from .jobs import RunCharts, charts_part, compare_part, pay_part, report_part
from .page import Asked, Page
from .pictures import answer_picture
from .shelf import RunPlace, Shelf, summary
from .views.chain import chain
from .views.coldkeys import coldkeys
from .views.lists import front, study
from .views.neuron import miner, neuron_of, validator
from .views.run import earned_rao, progress, run
from .views.task import asked_and_true, graded_round, task, tasks
from .worker import JobFailed, Worker

logger = logging.getLogger(__name__)

KEPT_INDEXES = 4
"""Runs whose index is kept in memory."""
LIVE_S = 2
"""Seconds between two looks at a run under way."""
WORKING_S = 1
"""Seconds until a page asks again for a part that is being worked on."""
MOST_PAGES = 1_000_000
SANDBOX = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Policy of a page that a study has published, which may be somebody else's."""
UNDRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 40"><text x="8" y="25" font-family="sans-serif" '
    'font-size="13" fill="#62676e">This task can no longer be drawn.</text></svg>'
)
TYPES = {"css": "text/css", "js": "text/javascript"}


class Missing(Exception):
    """There is no such page."""


class Explorer:
    """Everything that the pages share."""

    def __init__(self, shelf: Shelf, worker: Worker, *, place: str = "") -> None:
        self.shelf = shelf
        self.worker = worker
        self._place = place
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, tuple[threading.Lock, RunIndex]] = OrderedDict()
        self._stamps: dict[str, tuple[object, ...]] = {}

    def app(self, *, token: str | None = None) -> Starlette:
        """Return the application; with a token it answers only those who have it."""
        paths: dict[str, Callable[[Request], Response]] = {
            "/": self._front,
            "/run/{key:path}": self._run,
            "/tasks/{key:path}": self._tasks,
            "/coldkeys/{key:path}": self._coldkeys,
            "/compare": self._compare,
            "/miner/{uid:int}/{key:path}": self._miner,
            "/validator/{uid:int}/{key:path}": self._validator,
            "/task/{validator:int}/{number:int}/{key:path}": self._task,
            "/chain/{key:path}": self._chain,
            "/study/{key:path}": self._study,
            "/published/{key:path}": self._published,
            "/picture/{validator:int}/{number:int}/{uid}/{key:path}": self._picture,
            "/part/progress/{key:path}": self._progress,
            "/part/charts/{key:path}": self._charts,
            "/part/report/{key:path}": self._report,
            "/part/pay/{uid:int}/{key:path}": self._pay,
            "/part/task/{validator:int}/{number:int}/{key:path}": self._asked_and_true,
            "/part/compare": self._compared,
            "/static/{name}": self._static,
        }
        return Starlette(
            routes=[Route(path, _explained(self, endpoint)) for path, endpoint in paths.items()],
            middleware=[Middleware(Guard, token=token)],
            exception_handlers={404: lambda _, __: self._error("There is no such page.", 404)},
        )

    def index(self, place: RunPlace) -> RunIndex:
        """Return the index of a run, as far as the run is now."""
        with self._lock:
            lock, index = self._indexes.setdefault(place.key, (threading.Lock(), RunIndex()))
            self._indexes.move_to_end(place.key)
            while len(self._indexes) > KEPT_INDEXES:
                old, _ = self._indexes.popitem(last=False)
                self._stamps.pop(old, None)
        with lock:
            stamp = _stamp(place)
            if stamp is None or self._stamps.get(place.key) != stamp:
                with place.open() as record:
                    index.follow(record)
                if stamp is not None:
                    self._stamps[place.key] = stamp
        return index

    # Pages

    def _front(self, request: Request) -> Response:
        runs = [self._summary(place) for place in self.shelf.runs().values()]
        return self._page(front(runs, self.shelf.studies(), self.shelf.chain, _asked(request), self._place))

    def _run(self, request: Request) -> Response:
        place = self._run_place(request)
        index = self.index(place)
        return self._page(run(place.key, index, _asked(request), has_chain=place.chain.is_file()))

    def _tasks(self, request: Request) -> Response:
        place = self._run_place(request)
        return self._page(tasks(place.key, self.index(place), _asked(request), has_chain=place.chain.is_file()))

    def _coldkeys(self, request: Request) -> Response:
        place = self._run_place(request)
        return self._page(coldkeys(place.key, self.index(place), _asked(request), has_chain=place.chain.is_file()))

    def _miner(self, request: Request) -> Response:
        place, uid = self._run_place(request), int(request.path_params["uid"])
        return self._page(miner(place.key, self.index(place), uid, _asked(request), has_chain=place.chain.is_file()))

    def _validator(self, request: Request) -> Response:
        place, uid = self._run_place(request), int(request.path_params["uid"])
        index = self.index(place)
        return self._page(validator(place.key, index, uid, _asked(request), has_chain=place.chain.is_file()))

    def _task(self, request: Request) -> Response:
        place = self._run_place(request)
        index = self.index(place)
        by, number = int(request.path_params["validator"]), int(request.path_params["number"])
        with place.open() as record:
            graded = graded_round(record, by, number)
            return self._page(task(place.key, index, record, graded, _asked(request), has_chain=place.chain.is_file()))

    def _chain(self, request: Request) -> Response:
        key = request.path_params["key"]
        if key:
            place = self._run_place(request)
            return self._page(chain(str(place.chain), key, _asked(request)))
        if self.shelf.chain is None:
            raise Missing
        return self._page(chain(self.shelf.chain, "", _asked(request)))

    def _study(self, request: Request) -> Response:
        key, folder = self._study_place(request)
        places = self.shelf.runs()
        runs = [self._summary(places[arm]) for arm in self.shelf.arms(key)]
        return self._page(study(key, folder, runs, _asked(request)))

    def _published(self, request: Request) -> Response:
        _, folder = self._study_place(request)
        try:
            content = (folder / "index.html").read_bytes()
        except OSError:
            raise Missing from None
        return HTMLResponse(content, headers={"content-security-policy": SANDBOX})

    def _compare(self, request: Request) -> Response:
        first, second = self._pair(request)
        template = self._environment.get_template("compare.html")
        return HTMLResponse(template.render(first=first.key, second=second.key))

    # Parts of pages

    def _progress(self, request: Request) -> Response:
        place = self._run_place(request)
        index, status = self.index(place), place.status()
        under_way = not index.complete and status is not None and not status.ended
        return self._part(self._section(progress(index, status)), again_s=LIVE_S if under_way else None)

    def _charts(self, request: Request) -> Response:
        place = self._run_place(request)
        index = self.index(place)
        if not index.epochs:
            return self._part("", again_s=None if index.complete else LIVE_S)
        data = charts_of(index)
        return self._worked(("charts", place, data), charts_part, data, live=not index.complete)

    def _report(self, request: Request) -> Response:
        place = self._run_place(request)
        index = self.index(place)
        return self._worked(("report", place, len(index.epochs), index.complete), report_part, place)

    def _pay(self, request: Request) -> Response:
        place, uid = self._run_place(request), int(request.path_params["uid"])
        index = self.index(place)
        neuron_of(index, uid, "miner")
        epochs = len(index.epochs)
        return self._worked(("pay", place, uid, epochs), pay_part, place, uid, epochs)

    def _asked_and_true(self, request: Request) -> Response:
        place = self._run_place(request)
        index = self.index(place)
        with place.open() as record:
            graded = graded_round(record, int(request.path_params["validator"]), int(request.path_params["number"]))
        template = self._environment.get_template("block.html")
        return self._part("".join(template.render(block=block) for block in asked_and_true(place.key, index, graded)))

    def _compared(self, request: Request) -> Response:
        first, second = self._pair(request)
        return self._worked(
            ("compare", first, second, *map(_stamp, (first, second))), compare_part, first.folder, second.folder
        )

    def _picture(self, request: Request) -> Response:
        place = self._run_place(request)
        uid = request.path_params["uid"]
        if uid != "truth" and not (uid.isascii() and uid.isdecimal() and len(uid) < 10):
            raise Missing
        by, number = int(request.path_params["validator"]), int(request.path_params["number"])
        index = self.index(place)
        with place.open() as record:
            drawn = answer_picture(index, record, by, number, None if uid == "truth" else int(uid))
        if drawn is None:
            return Response(UNDRAWN, media_type="image/svg+xml")
        return Response(drawn, media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name == "explorer.css":
            template = self._environment.get_template("explorer.css")
            return PlainTextResponse(template.render(), media_type=TYPES["css"])
        if name == "explorer.js":
            script = files("lab.explorer").joinpath("templates/explorer.js").read_text(encoding="utf-8")
            return PlainTextResponse(script, media_type=TYPES["js"])
        raise Missing

    # What they are made with

    @cached_property
    def _environment(self) -> Any:
        return environment("lab.explorer", "lab.report")

    def _page(self, page: Page) -> Response:
        return HTMLResponse(self._environment.get_template("explorer.html").render(page=page, charts={}, files=False))

    def _section(self, section: Section) -> str:
        rendered: str = self._environment.get_template("section.html").render(section=section, charts={}, files=False)
        return rendered

    def _error(self, message: str, status: int) -> Response:
        return HTMLResponse(self._environment.get_template("error.html").render(message=message), status)

    def _part(self, content: str, *, again_s: int | None = None) -> Response:
        return HTMLResponse(content, headers={} if again_s is None else {"x-again": str(again_s)})

    def _worked(
        self, key: tuple[Any, ...], function: Callable[..., str], *arguments: Any, live: bool = False
    ) -> Response:
        try:
            content = self.worker.ask(key, function, *arguments)
        except JobFailed as error:
            return self._part(self._environment.get_template("words.html").render(words=str(error)))
        if content is None:
            return self._part(self._environment.get_template("words.html").render(words="Working…"), again_s=WORKING_S)
        return self._part(content, again_s=LIVE_S if live else None)

    def _run_place(self, request: Request) -> RunPlace:
        return self._place_of(request.path_params["key"])

    def _place_of(self, key: str) -> RunPlace:
        place = self.shelf.runs().get(key)
        if place is None:
            raise Missing
        return place

    def _study_place(self, request: Request) -> tuple[str, Path]:
        key = request.path_params["key"]
        folder = self.shelf.studies().get(key)
        if folder is None:
            raise Missing
        return key, folder

    def _pair(self, request: Request) -> tuple[RunPlace, RunPlace]:
        first, second = (self._place_of(request.query_params.get(name, "")) for name in ("a", "b"))
        if first.url is not None:
            raise RecordError("runs in a database can't be compared here; `subnetlab compare` takes their folders")
        return first, second

    def _summary(self, place: RunPlace) -> Any:
        stamp = _stamp(place)
        kept = self._summaries.get(place.key)
        if kept is not None and stamp is not None and kept[0] == stamp and kept[1].state != "running":
            return kept[1]
        made = summary(place)
        self._summaries[place.key] = (stamp, made)
        return made

    @cached_property
    def _summaries(self) -> dict[str, tuple[object, Any]]:
        return {}


def charts_of(index: RunIndex) -> RunCharts:
    """Return what the charts of a run are drawn from."""
    earned = earned_rao(index)
    miners = sorted(index.neurons("miner"), key=lambda neuron: (-earned[neuron.uid], neuron.uid))
    validators = index.neurons("validator")
    submitted = index.epochs[-1].weights
    shares = {
        uid: {miner: value / (sum(row.values()) or 1.0) for miner, value in row.items()}
        for uid, row in submitted.items()
    }
    pays = [epoch.pay for epoch in index.epochs]
    return RunCharts(
        tuple(neuron.name for neuron in miners),
        tuple(neuron.name for neuron in validators),
        tuple(
            tuple(shares[each.uid].get(neuron.uid, 0.0) if each.uid in shares else None for each in validators)
            for neuron in miners[:40]
        ),
        tuple(tuple(pay.incentive[neuron.uid] / U16 for pay in pays) for neuron in miners[:40]),
        tuple(tuple(pay.trust[neuron.uid] / U16 for pay in pays) for neuron in miners[:40]),
        tuple(tuple(pay.validator_trust[neuron.uid] / U16 for pay in pays) for neuron in validators[:40]),
    )


def _explained(explorer: Explorer, endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer what a user or a record did wrong with a page that says so."""

    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except Missing:
            return explorer._error("There is no such page.", 404)
        except SubnetlabError as error:
            return explorer._error(str(error), 422)
        except Exception as error:
            logger.exception("%s failed", request.url.path)
            return explorer._error(f"This page can't be shown: {type(error).__name__}.", 500)

    return answer


def _asked(request: Request) -> Asked:
    values = request.query_params
    page = values.get("page", "1")
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < 7 else 1
    return Asked(values.get("q", "")[:200], values.get("sort", ""), min(max(number, 1), MOST_PAGES))


def _stamp(place: RunPlace) -> tuple[object, ...] | None:
    """Return what changes when the file of a record changes; None for one in a database, which is always asked."""
    files_of = [place.folder / f"record.sqlite{end}" for end in ("", "-wal")]
    if place.url is not None or not files_of[0].is_file():
        return None
    stats = [path.stat() if path.is_file() else None for path in files_of]
    return tuple(None if stat is None else (stat.st_mtime_ns, stat.st_size) for stat in stats)
