"""`subnetlab run`, `report`, `audit` and `compare`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.local_chain.defaults import WALLETS

from .command import commands, examples
from .options import (
    Address,
    AsJson,
    Clean,
    ConfigArgument,
    Hotkey,
    Resume,
    RunArgument,
    RunCommand,
    Sets,
    Trust,
    Wallets,
    Wide,
    out_option,
    reading,
    run_mode,
)
from .output import STOPPED, print_json

if TYPE_CHECKING:
    from lab.config.run_config import RunConfig
    from lab.record.record import RunRecord
    from lab.record.run_folder import RunMode
    from lab.run.audit import AuditResult

app = commands()


@app.command(
    cls=RunCommand,
    short_help="Run a subnet, and report its pay and costs.",
    epilog=examples(
        "run configs/ocr.toml", "run configs/ocr.toml --chain.epochs 3 --seed 11", "run configs/ocr.toml --resume"
    ),
)
def run(
    context: typer.Context,
    config: ConfigArgument,
    out: Annotated[Path | None, out_option("Folder of the run (default: the next free runs/NAME).")] = None,
    resume: Resume = False,
    clean: Clean = False,
    address: Address = None,
    sets: Sets = None,
    wide: Wide = False,
    as_json: AsJson = False,
) -> None:
    """Run a subnet, print its pay and costs, and write its report."""
    from lab.config.flags import overrides
    from lab.config.run_config import RunConfig
    from lab.record.run_folder import next_folder

    mode = run_mode(resume, clean)
    settings = RunConfig.read(config, overrides(sets or [], context.args, address))
    _run(settings, out or next_folder(config.stem, mode), mode, wide=wide, as_json=as_json)


@app.command(epilog=examples("report runs/ocr"))
def report(
    folder: RunArgument,
    out: Annotated[Path | None, out_option("The HTML file (default: report.html in the run's folder).")] = None,
    wide: Wide = False,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Print a run's tables again and write its HTML report."""
    from lab.record.run_folder import open_run

    with reading(trust), open_run(folder) as record:
        _report(record, out or folder / "report.html", wide=wide, as_json=as_json)


@app.command(
    short_help="Recompute a run's tasks, grades, weights and payouts.",
    epilog=examples("audit runs/ocr", "audit runs/ocr --sign owner", "audit runs/ocr --signed-by 5F3sa2TJ"),
)
def audit(
    folder: RunArgument,
    sign: Annotated[str | None, typer.Option("--sign", help="Sign the record, with a hotkey of this wallet.")] = None,
    signed_by: Annotated[
        str | None, typer.Option("--signed-by", metavar="ADDRESS", help="Fail unless this hotkey signed the record.")
    ] = None,
    hotkey: Hotkey = "default",
    wallets: Wallets = WALLETS,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Recompute a run's tasks, grades, weights and payouts, and check who signed the record."""
    from consensus.chain.keys import is_address
    from lab.errors import AuditError
    from lab.record.run_folder import open_run
    from lab.record.signature import SIGNATURE, Head, signer_of
    from lab.record.signature import sign as sign_head
    from lab.run.audit import audit as audit_record

    from .chain.session import chain_session
    from .progress import Bar

    if signed_by is not None and not is_address(signed_by):
        raise typer.BadParameter(f"{signed_by!r} is not an address; --signed-by takes the SS58 address of a hotkey")
    key = None
    if sign is not None:
        with chain_session("", wallets, sign, hotkey) as session:
            key = session.keys.hotkey_pair()
    with reading(trust), open_run(folder) as record:
        with Bar("auditing", quiet=as_json) as bar:
            result = audit_record(record, bar.advance)
        head = Head.of(record, result.entries, result.head)
    if key is not None:
        sign_head(folder, head, key)
    signer = signer_of(folder, head)
    if signed_by is not None and signer != signed_by:
        found = f"it was signed by {signer}" if signer else f"there is no {SIGNATURE}"
        raise AuditError(f"{folder}: not signed by {signed_by}: {found}")
    if as_json:
        print_json(asdict(result) | {"signed_by": signer}, escape=True)
    else:
        signature = f"signed by {signer}" if signer else "not signed"
        typer.echo(f"{folder}: {_audited(result)}\nhead {result.head}\n{signature}")


@app.command(short_help="Compare two runs or studies, miner by miner.", epilog=examples("compare runs/ocr runs/ocr-2"))
def compare(
    first: Annotated[Path, typer.Argument(help="The folder of a run or a study.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="The folder to compare it with.", metavar="B")],
    wide: Wide = False,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Compare two runs or studies, miner by miner on the same tasks.

    Shows which differences exceed chance.
    """
    from lab.results.compare import compare as compare_results

    with reading(trust):
        result = compare_results(first, second)
    if as_json:
        print_json(result.as_dict())
        return
    from lab.report.differences import differences
    from lab.report.terminal import show

    sections = [] if result.same else [differences(result)]
    show(sections, [*result.notes, result.sentence], wide=wide)


def _run(settings: RunConfig, folder: Path, mode: RunMode, *, wide: bool, as_json: bool) -> None:
    from lab.run.session import run as run_subnet
    from lab.run.status import JOB

    from .progress import Bar

    try:
        with Bar(str(folder), quiet=as_json) as bar:
            record = run_subnet(settings, folder, mode=mode, watch=bar.show)
    except KeyboardInterrupt:
        next_step = "the record so far is sent back" if os.environ.get(JOB) else f"continue {folder} with --resume"
        typer.echo(f"Stopped. Nothing was lost; {next_step}.", err=True)
        raise typer.Exit(STOPPED) from None
    with record:
        _report(record, folder / "report.html", wide=wide, as_json=as_json)


def _audited(result: AuditResult) -> str:
    """Say what an audit checked and found."""
    from lab.results.words import counted

    entries = "1 entry" if result.entries == 1 else f"{result.entries:,} entries"
    state = "a finished run" if result.complete else "an unfinished run"
    text = (
        f"{state}; {entries} with intact hashes, in order; {counted(result.rounds, 'task')} generated again, "
        f"{counted(result.answers, 'answer')} graded again, {counted(result.epochs, 'epoch')} paid again: "
        "all as recorded"
    )
    if not result.ungraded:
        return f"{text}."
    miners = ", ".join(f"{name} {number:,}" for name, number in result.ungraded.items())
    return (
        f"{text}, except for {counted(sum(result.ungraded.values()), 'answer')} left unscored because a grader "
        f"failed, which can be graded now: {miners}."
    )


def _report(record: RunRecord, path: Path, *, wide: bool, as_json: bool) -> None:
    from lab.errors import RecordError
    from lab.report import run_report
    from lab.report.sections.summary import findings
    from lab.report.terminal import show
    from lab.results.run_figures import RunFigures

    figures = RunFigures.of(record)
    try:
        written = run_report.write_report(figures, path)
    except PermissionError as error:
        raise RecordError(f"{path.parent}: {error.strerror}; write the report elsewhere with --out") from None
    if as_json:
        print_json(run_report.as_json(figures) | {"report": str(written)})
        return
    sections = run_report.sections(figures, short=not wide)
    show(sections, findings(figures), heading=run_report.heading(figures), wide=wide)
    typer.echo(f"report: {written}")
