"""Summary: who holds which uid, and what the last epoch made of it; and the run in a few sentences."""

from __future__ import annotations

from lab.results.neurons import NeuronResult, NeuronResults
from lab.results.run_figures import RunFigures
from lab.results.words import counted, percent, quoted, times

from ..section import Caption, Cell, Column, Section
from .names import label

COLUMNS = (
    Column("neuron", "neuron"),
    Column("uid", "uid", names=True),
    Column("stake", "stake", 0),
    Column("incentive", "incentive"),
    Column("dividends", "dividends"),
    Column("emission", "emission", 2),
    Column("earned", "earned", 2),
    Column("trust", "trust"),
    Column("consensus", "consensus"),
)


def summary(run: RunFigures) -> Section:
    """Return the metagraph after the last epoch, validators first."""
    results = run.results
    epochs = results.epochs
    state = f"after epoch {len(epochs)} of {results.config.chain.epochs}" if epochs else "before the first epoch"
    shows = [
        "Stake, emission and earnings are in tokens; emission is that of this epoch, earnings are over all. "
        "For validators, 'trust' is the chain's validator_trust.",
        *refusals(results),
    ]
    return Section(
        "summary",
        f"Metagraph {state}",
        Caption(
            " ".join(shows),
            "These are the values that the chain holds, exact and without intervals. They say who is paid, not who "
            "deserves it.",
        ),
        COLUMNS,
        tuple(_row(neuron) for neuron in (*results.validators, *results.miners)),
        groups=(len(results.validators),),
    )


def findings(run: RunFigures) -> list[str]:
    """Say in a few sentences how the run turned out."""
    results, bill = run.results, run.bill
    if not results.epochs:
        return [f"Nothing graded yet: 0 of {counted(results.config.chain.epochs, 'epoch')} are complete."]
    lines = []
    if not results.complete:
        lines.append(
            f"The run is not finished: {len(results.epochs)} of "
            f"{counted(results.config.chain.epochs, 'epoch')} are complete, "
            "and all figures are as of then."
        )
    lines.append(run.pay_quality.sentence)
    if bill.overhead.value is not None:
        lines.append(
            f"Through the subnet a task took {bill.overhead.text(2)} times the CPU of doing it once; "
            f"{percent(bill.useful_work.value or 0.0)} of the CPU was useful work."
        )
    queries = sum(miner.asked for miner in results.miners)
    failed = sum(sum(miner.faults.values()) for miner in results.miners)
    if failed:
        lines.append(f"{failed:,} of {counted(queries, 'query')} ({percent(failed / queries)}) got no valid answer.")
    return lines


def refusals(results: NeuronResults) -> list[str]:
    """Say whose weights the chain refused, how often and why."""
    return [
        f"The chain refused the weights of {quoted(validator.name)} {times(validator.refused)}: {validator.refusal}."
        for validator in results.validators
        if validator.refused
    ]


def title(results: NeuronResults) -> str:
    """Return what was run, in one line."""
    subnet = str(results.start.config["subnet"]["kind"]).rpartition(":")[2]
    counts = ((results.miners, "miner"), (results.validators, "validator"), (results.epochs, "epoch"))
    return f"{subnet}: {', '.join(counted(len(items), noun) for items, noun in counts)}"


def _row(neuron: NeuronResult) -> tuple[Cell, ...]:
    validates = neuron.role == "validator"
    return (
        label(neuron, f"{neuron.kind}, without permit" if validates and not neuron.permit else neuron.kind),
        neuron.uid,
        neuron.stake,
        neuron.incentive,
        neuron.dividends,
        neuron.emission,
        neuron.earned,
        neuron.validator_trust if validates else neuron.trust,
        neuron.consensus,
    )
