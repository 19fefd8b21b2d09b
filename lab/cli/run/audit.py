"""`subnetlab audit`: recompute what a record says, and check who signed it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.chain.session import chain_session
from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, Hotkey, RunArgument, Trust, Wallets, reading
from lab.cli.console.output import print_json
from lab.local_chain.defaults import WALLETS

if TYPE_CHECKING:
    from lab.record.signature import Head
    from lab.run.audit import AuditResult

app = commands()


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
    from lab.cli.console.progress import Bar
    from lab.record.run_folder import open_run
    from lab.record.signature import Head
    from lab.record.signature import sign as sign_head
    from lab.run.audit import audit as audit_record

    if signed_by is not None and not is_address(signed_by):
        raise typer.BadParameter(f"{signed_by!r} is not an address; --signed-by takes the SS58 address of a hotkey")
    key = None
    if sign is not None:
        with chain_session("", wallets, sign, hotkey) as session:
            key = session.keys.hotkey_pair()
    with reading(trust), open_run(folder) as record:
        if key is None:  # a wrong signature is known at once; the rest of an audit may take an hour
            _signer(folder, Head.of(record, len(record), record.head), signed_by)
        with Bar("auditing", quiet=as_json) as bar:
            result = audit_record(record, bar.advance)
        head = Head.of(record, result.entries, result.head)
    if key is not None:
        sign_head(folder, head, key)
    signer = _signer(folder, head, signed_by)
    if as_json:
        figures = asdict(result) | {"signed_by": signer}
        if not result.receipts:  # most runs serve no customers
            del figures["receipts"]
        print_json(figures, escape=True)
    else:
        signature = f"signed by {signer}" if signer else "not signed"
        typer.echo(f"{folder}: {_audited(result)}\nhead {result.head}\n{signature}")


def _signer(folder: Path, head: Head, required: str | None) -> str | None:
    """Return who signed a record; raises AuditError unless that is the required address."""
    from lab.errors import AuditError
    from lab.record.signature import SIGNATURE, signer_of

    signer = signer_of(folder, head)
    if required is not None and signer != required:
        reason = f"it was signed by {signer}" if signer else f"there is no {SIGNATURE}"
        raise AuditError(f"{folder}: not signed by {required}: {reason}")
    return signer


def _audited(result: AuditResult) -> str:
    """Say what an audit checked and found."""
    from lab.results.words import counted

    state = "a finished run" if result.complete else "an unfinished run"
    text = (
        f"{state}; {counted(result.entries, 'entry')} with intact hashes, in order; "
        f"{counted(result.rounds, 'task')} generated again, "
        f"{counted(result.answers, 'answer')} graded again, {counted(result.epochs, 'epoch')} paid again: "
        "all as recorded"
    )
    if result.receipts:
        counts = ", ".join(f"{number:,} {outcome}" for outcome, number in result.receipts.items())
        text += f"; customers' requests with the price and the miner that were due: {counts}"
    if not result.ungraded:
        return f"{text}."
    miners = ", ".join(f"{name} {number:,}" for name, number in result.ungraded.items())
    return (
        f"{text}, except for {counted(sum(result.ungraded.values()), 'answer')} left unscored because a grader "
        f"failed, which can be graded now: {miners}."
    )
