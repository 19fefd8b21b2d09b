"""Page of the design study: which design to launch, what else is on the front, and how far to trust the replay."""

from __future__ import annotations

from pathlib import Path

from lab.report.section import Caption, Cell, Column, Fact, Picture, Publication, Section
from lab.results.words import counted, listed
from lab.statistics import number, share

from .config import JURY, DesignConfig
from .data import DesignData
from .launch import write_launch
from .plots import draw_front
from .space import Design

WANTED = {
    "cheapest": "the cheapest sound design",
    "balanced": "the balanced design",
    "hardest": "the design that is hardest to game",
}
CHOICES = (
    Column("grader", "grader"),
    Column("gold", "truth known", 0, " %", 100),
    Column("miners", "honest miners"),
    Column("validators", "validators"),
    Column("share", "miners asked", 0, " %", 100),
    Column("alpha", "alpha", 2),
    Column("weight_rule", "weight rule"),
    Column("rounds_per_epoch", "rounds an epoch"),
    Column("commit_reveal", "commit-reveal"),
    Column("kappa", "kappa", 1),
    Column("bonds", "bonds"),
)
FIGURES = (
    Column("usd", "dollars an answer", 2, significant=True),
    Column("misplaced", "misplaced pay", 1, " %", 100),
    Column("exploit", "exploitability", 2),
)
NOT_SHOWN = (
    "Miners don't react to a design, adversaries are the recorded ones, and qualities don't change, so commit-reveal "
    "and short memories look less useful than where miners improve. Designs that were not in the sample are unknown."
)


def page(data: DesignData, config: DesignConfig, folder: Path) -> Publication:
    """Write the study's findings and sections, and the configs of the picked designs."""
    for name, place in data.picks.items():
        design = data.finalists.designs[place]
        write_launch(config, data.tables, design, folder / f"{name}.toml", f"{WANTED[name].capitalize()}.")
    return Publication(
        name="design",
        title="Which design should I launch?",
        findings=tuple(_findings(data)),
        sections=(_launch(data), _front(data), _optimism(data), _foretold(data)),
        facts=(
            ("searched", f"{counted(data.finalists.searched, 'design')} of {config.space().size:,}"),
            (
                "replayed",
                f"{counted(data.finalists.replays, 'world')} in the search, {config.design.rounds} rounds each",
            ),
            ("tasks", f"{len(data.tables)} recorded, every other one held out"),
            ("search and hold-out", f"{data.took_s:.0f} s"),
        ),
        links=tuple((f"config: {name}", f"{name}.toml") for name in data.picks),
    )


def words(design: Design) -> str:
    """Describe a design in one line."""
    hidden = ", weights hidden for an epoch" if design.commit_reveal else ""
    gold = f" with {100 * design.grader.gold:g} % gold" if design.grader.name == JURY else ""
    return (
        f"{design.grader.name}{gold}, {counted(design.validators, 'validator')} asking {100 * design.share:g} % of the "
        f"miners, alpha {design.alpha:g}, {_rule(design)} weights every "
        f"{counted(design.rounds_per_epoch, 'round')}{hidden}, {design.bonds} at kappa {design.kappa:g}"
    )


def _findings(data: DesignData) -> list[str]:
    sentences = [_finding(data, name, place) for name, place in data.picks.items()]
    _, misplaced, exploit = _mean_optimism(data)
    sentences.append(
        f"On the tasks of the search the three designs looked better by {_rounded(100 * misplaced, 1)} points of "
        f"misplaced pay and {_rounded(exploit, 2)} of exploitability than on held-out ones, which all other figures "
        "here are from."
    )
    known = [each.inside for each in data.foretold if each.inside is not None]
    sentences.append(
        f"The replay foretold the pay of a real run within its interval for {sum(known)} of "
        f"{counted(len(known), 'miner')}."
    )
    return sentences


def _finding(data: DesignData, name: str, place: int) -> str:
    """Describe a picked design and its figures."""
    usd = number(data.held.usd[place].value or 0.0, 2, significant=True)
    return (
        f"{WANTED[name].capitalize()} is {words(data.finalists.designs[place])}: ${usd} an answer, "
        f"{data.held.misplaced[place].percent(1)} of the pay misplaced, exploitability "
        f"{data.held.exploit[place].text()} by {data.gamer(place)}; {name}.toml runs it."
    )


def _rounded(value: float, digits: int) -> str:
    """Write a difference without the sign of a zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _mean_optimism(data: DesignData) -> list[float]:
    """Return by how much the picked designs' figures are higher on held-out tasks: dollars, misplaced, exploit."""
    places = list(data.picks.values())
    table = data.finalists.figures.table
    held = (data.held.usd, data.held.misplaced, data.held.exploit)
    return [
        sum((own[place].value or 0.0) - float(table[place, at]) for place in places) / len(places)
        for at, own in enumerate(held)
    ]


def _rule(design: Design) -> str:
    """Name a weight rule and its option."""
    options = ", ".join(f"{key} {value:g}" for key, value in design.weight_rule.model_dump().items())
    name = type(design.weight_rule).__name__.lower().replace("topk", "top-k")
    return f"{name} ({options})" if options else name


def _choices(design: Design) -> tuple[Cell, ...]:
    return (
        design.grader.name,
        design.grader.gold,
        design.miners,
        design.validators,
        design.share,
        design.alpha,
        _rule(design),
        design.rounds_per_epoch,
        design.commit_reveal,
        design.kappa,
        design.bonds,
    )


def _measured(data: DesignData, place: int) -> tuple[Cell, ...]:
    held = data.held
    return held.usd[place], held.misplaced[place], held.exploit[place]


def _launch(data: DesignData) -> Section:
    return Section(
        key="launch",
        title="Which design should I launch?",
        caption=Caption(
            "Three designs of the front, by figures on held-out tasks. "
            f"{listed(f'{name}.toml' for name in data.picks)} are their configs. "
            "Dollars are for an answer that a customer of one validator wants, while the others "
            "check. Exploitability is 0 if gaming is not worth it and 1 if it pays as well as honest work: pay of the "
            "best paid adversary over the mean honest miner's, or where a validator that copies weights stands between "
            "delegating its stake and working, if that is more.",
            NOT_SHOWN,
        ),
        columns=(Column("design", "design"), *FIGURES, Column("gamer", "gamed most by"), *CHOICES),
        rows=tuple(
            (name, *_measured(data, place), data.gamer(place), *_choices(data.finalists.designs[place]))
            for name, place in data.picks.items()
        ),
    )


def _front(data: DesignData) -> Section:
    held, designs = data.held, data.finalists.designs
    order = sorted(range(len(designs)), key=lambda place: held.usd[place].value or 0.0)
    names = {place: name for name, place in data.picks.items()}
    return Section(
        key="front",
        title="What else is on the front?",
        caption=Caption(
            "Designs that no other one beat in dollars, misplaced pay and exploitability at once, by figures on "
            "held-out tasks. The share on the front allows for the errors of all figures together.",
            "A design is surely beaten if another one is better in one figure and worse in none, beyond chance over "
            "all pairs (max-T, at .05).",
        ),
        columns=(
            Column("number", "number"),
            *FIGURES,
            Column("on_front", "on the front", 0, " %", 100),
            Column("beaten", "surely beaten"),
            *CHOICES,
        ),
        rows=tuple(
            (
                names.get(place, str(number)),
                *_measured(data, place),
                float(held.on_front[place]),
                bool(held.surely_dominated[place]),
                *_choices(designs[place]),
            )
            for number, place in enumerate(order, 1)
        ),
        picture=Picture(lambda ax: draw_front(designs, held.usd, held.misplaced, data.picks, ax), 400, 380),
    )


def _optimism(data: DesignData) -> Section:
    table, held = data.finalists.figures.table, data.held
    return Section(
        key="optimism",
        title="How much better did the search make them look?",
        caption=Caption(
            "Figures of the picked designs on the tasks of the search, and on held-out ones. The search keeps "
            "designs that were lucky with its tasks.",
            "A single division of the tasks in two halves.",
        ),
        columns=(
            Column("design", "design"),
            Column("misplaced_searched", "misplaced pay, searched", 1, " %", 100),
            Column("misplaced", "held out", 1, " %", 100),
            Column("exploit_searched", "exploitability, searched", 2),
            Column("exploit", "held out", 2),
        ),
        rows=tuple(
            (name, float(table[place, 1]), held.misplaced[place], float(table[place, 2]), held.exploit[place])
            for name, place in data.picks.items()
        ),
    )


def _foretold(data: DesignData) -> Section:
    inside = [float(each.inside) for each in data.foretold if each.inside is not None]
    return Section(
        key="foretold",
        title="Does the replay foretell the pay of a real run?",
        caption=Caption(
            "Share of the pay of each miner in a run of the config's own validators on other tasks, with the "
            "interval in which the replay of the recorded tasks expects it.",
            "One run; its miners share its tasks, so they are not independent.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("expected", "foretold", 1, " %", 100),
            Column("paid", "paid", 1, " %", 100),
            Column("inside", "inside"),
        ),
        rows=tuple((each.miner, each.expected, each.paid, each.inside) for each in data.foretold),
        facts=(Fact(Column("inside", "miners paid within the interval", 0, " %", 100), share(inside)),),
    )
