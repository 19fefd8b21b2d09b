"""`subnetlab receipt`: print a customer's receipt, and check that it stands in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.console.command import commands, examples
from lab.cli.console.options import AsJson, RunArgument, Trust, out_option, reading
from lab.cli.console.output import echo, print_json

app = commands()


@app.command(
    short_help="Print a customer's receipt and check its hash.",
    epilog=examples(
        "receipt runs/ocr 5f0c9a2b7d8e4f61a3b2c1d0 --save receipt.json",
        "receipt runs/ocr receipt.json",
        "receipt receipt.json",
    ),
)
def receipt(
    run: RunArgument,
    receipt: Annotated[
        str | None, typer.Argument(help="Id of a receipt, or a file in which one was saved.", metavar="RECEIPT")
    ] = None,
    save: Annotated[Path | None, out_option("Save the receipt in a file.")] = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Print a customer's receipt, after following the hashes of the whole record.

    A saved receipt is compared with the record. A file in place of RUN is checked by its own hash.
    """
    from lab.errors import RecordError
    from lab.files import write_json
    from lab.record.run_folder import open_run
    from lab.record.saved_receipt import SavedReceipt

    if receipt is None:
        if run.is_dir():
            raise RecordError(f"{run} is a run; name one of its receipts, by its id or a file")
        found = SavedReceipt.read(run)
        found.check()
        checked = "its hash fits; with the run's folder it is compared with the record, too"
    else:
        with reading(trust), open_run(run) as record:
            entries = record.verify()
            if Path(receipt).is_file():
                found = SavedReceipt.read(Path(receipt))
                found.check_in(record)
            else:
                found = SavedReceipt.find(record, receipt)
            checked = f"entry {found.seq} of {entries}, all with intact hashes, the last {record.head}"
    if save is not None:
        write_json(save, found.model_dump())
    body = json.loads(found.body)
    if as_json:
        print_json({"receipt": found.key, "body": body, "hash": found.hash, "checked": checked}, escape=True)
    else:
        lines = [f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in body.items()]
        echo("\n".join([f"receipt {found.key}", *lines, f"hash: {found.hash}", checked]))
