"""The first page: runs, studies and the chain of a place; and the page of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.explorer.addresses import chain_page, run_page, study_document, study_page
from lab.explorer.page import PER_PAGE, Asked, Block, Page, Pager
from lab.explorer.shelf import RunSummary, study_kind
from lab.report.section import Caption, Column, Label, Section
from lab.results.words import counted

COLUMNS = (
    Column("run", "run"),
    Column("state", "state"),
    Column("subnet", "subnet"),
    Column("neurons", "miners and validators"),
    Column("epochs", "epochs"),
    Column("started", "started"),
)
SORTS = {
    "started": lambda run: run.started,
    "name": lambda run: run.key,
    "state": lambda run: run.state,
    "subnet": lambda run: run.subnet,
    "epochs": lambda run: run.epochs,
}
"""Orders of the list; the latest and the longest runs come first."""
LATEST_FIRST = ("started", "epochs")
NO_RUN = "There is no run yet; `subnetlab run CONFIG` makes one, and it appears here while it is under way."


def front(runs: Sequence[RunSummary], studies: Mapping[str, Path], chain: str | None, asked: Asked, place: str) -> Page:
    """Return the list of everything that lies in a place."""
    blocks = [_runs(runs, asked, "/")] if runs or not (studies or chain) else []
    if studies:
        blocks.append(Block(_studies(studies)))
    if chain:
        caption = Caption("A local chain.", "Calls of the block that is open are not in it.")
        row = (Label(Path(chain).name, href=chain_page("")),)
        blocks.append(Block(Section("chain", "Chain", caption, (Column("chain", "chain"),), (row,))))
    comparable = tuple(sorted(run.key for run in runs if run.state != "unreadable"))
    return Page("Runs and chains", tuple(blocks), meta=place, compare=comparable if len(comparable) > 1 else ())


def study(key: str, folder: Path, runs: Sequence[RunSummary], asked: Asked) -> Page:
    """Return the page of a study: what it published, and its runs."""
    published = Column("page", "page")
    if (folder / "index.html").is_file():
        row = (Label("findings, pictures and tables", href=study_document(key)),)
        caption = Caption("The page that the study has published.", "It opens without scripts.")
        first = Section("published", "What it found", caption, (published,), (row,))
    else:
        first = Section("published", "What it found", Caption("The study has not published its page yet.", ""))
    title = f"Study {key}"
    kind = study_kind(folder)
    return Page(title, (Block(first), _runs(runs, asked, study_page(key))), meta=kind, trail=(("runs", "/"),))


def _runs(runs: Sequence[RunSummary], asked: Asked, path: str) -> Block:
    pattern = asked.search.casefold()
    found = [run for run in runs if pattern in f"{run.key} {run.subnet} {run.state}".casefold()]
    order = asked.sort if asked.sort in SORTS else "started"
    found.sort(key=SORTS[order], reverse=order in LATEST_FIRST)
    shown = found[asked.offset : asked.offset + PER_PAGE]
    words = f"{counted(len(found), 'run')}{f' of {len(runs):,}' if len(found) < len(runs) else ''}."
    section = Section(
        "runs",
        "Runs",
        Caption(words if runs else NO_RUN, "Runs of studies are listed under the study's name."),
        COLUMNS,
        tuple(
            (
                Label(run.key, href="" if run.state == "unreadable" else run_page(run.key), note=run.note),
                run.state,
                run.subnet,
                f"{run.miners:,} and {run.validators:,}",
                f"{run.epochs:,} of {run.total_epochs:,}",
                run.started,
            )
            for run in shown
        ),
    )
    return Block(section, Pager(path, asked, len(found), tuple(SORTS), "name, subnet or state"))


def _studies(studies: Mapping[str, Path]) -> Section:
    return Section(
        "studies",
        "Studies",
        Caption(f"{counted(len(studies), 'study')}, each made of runs.", "Simulated studies have no runs."),
        (Column("folder", "folder"), Column("study", "study")),
        tuple((Label(key, href=study_page(key)), study_kind(path)) for key, path in studies.items()),
    )
