"""Sections on profit: what a day earns, what that depends on, and when a machine beats an API."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.section import Caption, Column, Picture, Section
from lab.results.words import counted, listed, percent, quoted
from lab.statistics import ranked
from lab.studies.miners import plots
from lab.studies.miners.config import MinersConfig
from lab.studies.miners.contest import MinersData, MinerSummary
from lab.studies.miners.market import CHANGES, Day, PriceChange, Rent

from .table import without_empty_columns


def profit_section(days: Sequence[Day], config: MinersConfig) -> Section:
    """Pay, cost and profit of a day."""
    by_profit = ranked(days, lambda day: day.profit.value)
    return without_empty_columns(
        key="profit",
        title="What does a day earn?",
        caption=Caption(
            f"{quoted(by_profit[0].name)} keeps {by_profit[0].profit.text(unit=' $')} of {by_profit[0].pay:.2f} $ of "
            "pay."
            if by_profit
            else "No miner was reached, so the profit of a day is unknown.",
            f"Pay is the contest's, extrapolated to a day. It was paid once, so the intervals are those of the cost "
            f"alone. Prices, {config.market.questions_per_day:,.0f} questions a day and a utilisation of "
            f"{percent(config.market.utilisation)} are assumptions. The owner's work, registration and stake are not "
            "counted.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("pay_share", "share of pay", 1, " %", 100),
            Column("emission_per_day", "emission", 2, " tokens"),
            Column("pay_usd", "pay", 2, " $"),
            Column("hardware_usd", "hardware", 3, " $"),
            Column("api_usd", "API", 3, " $"),
            Column("power_usd", "power", 3, " $"),
            Column("profit_usd", "profit", 2, " $"),
        ),
        rows=tuple(
            (day.name, day.share, day.tokens, day.pay, day.hardware, day.api or None, day.power or None, day.profit)
            for day in days
        ),
    )


def sensitivity_section(data: MinersData, config: MinersConfig) -> Section | None:
    """Profit with each assumption halved and doubled; None if none matters."""
    reached = [miner for miner in data.miners if miner.answers]
    changed = {
        miner.name: {name: _profits(miner, config, *pair) for name, pair in CHANGES.items()} for miner in reached
    }
    bases = {miner.name: _profits(miner, config, PriceChange())[0] for miner in reached}
    spans = {
        name: max((abs(ends[name][1] - ends[name][0]) for ends in changed.values()), default=0.0) for name in CHANGES
    }
    moving = [name for name in CHANGES if spans[name] > 0]
    if not moving:
        return None
    most = max(moving, key=lambda name: spans[name])
    least = min(moving, key=lambda name: spans[name])
    return without_empty_columns(
        key="sensitivity",
        title="What does the profit depend on?",
        caption=Caption(
            f"Of all assumptions, halving and doubling {most} changes the profit most, by up to ${spans[most]:.2f}, "
            f"and {least} least, by up to ${spans[least]:.2f}.",
            "One assumption changes at a time, and miners do not react to it, although at other prices some would "
            "answer more or leave. Utilisation is doubled to at most 100 %.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("profit_usd", "profit", 2, " $"),
            *(
                column
                for name in moving
                for column in (
                    Column(f"{_key(name)}_worse_usd", f"{name}, worse", 2, " $"),
                    Column(f"{_key(name)}_better_usd", f"{name}, better", 2, " $"),
                )
            ),
        ),
        rows=tuple(
            (miner.name, bases[miner.name], *(end for name in moving for end in changed[miner.name][name]))
            for miner in reached
        ),
        picture=Picture(
            lambda ax: plots.sensitivities(bases, changed, moving, ax),
            90 + 17 * (len(moving) + 1) * len(reached),
            110 + 17 * (len(moving) + 1) * len(reached),
        ),
    )


def _profits(miner: MinerSummary, config: MinersConfig, *changes: PriceChange) -> tuple[float, ...]:
    """Return the dollars a day under each change; empty for a miner that was never reached."""
    profits = (Day.of(miner, config, change).profit.value for change in changes)
    return tuple(value for value in profits if value is not None)


def break_even_section(machines: Sequence[Rent]) -> Section:
    """Utilisation from which a machine is cheaper than an API."""
    never = [rent for rent in machines if not rent.formula.reachable]
    return without_empty_columns(
        key="break_even",
        title="When does a machine beat an API?",
        caption=Caption(
            f"Of {counted(len(machines), 'pair')} of a machine and an API, {len(machines) - len(never)} have a "
            f"utilisation above which the machine is cheaper; in {len(never)} it never is.",
            "By formula: rent / (price * speed * 3600). By brute force: answers of the contest are served one after "
            "another until the API's bill for them reaches an hour's rent. A core is measured while its neighbours "
            "work; the speed of other machines is taken from the config. Intervals are over answers; above 100 %, "
            "no utilisation is enough. The quality of the answers is not compared."
            + plots.left_out([rent.machine for rent in machines], "machines"),
        ),
        columns=(
            Column("machine", "machine"),
            Column("measured", "measured"),
            Column("api", "API"),
            Column("hour_usd", "rent of an hour", 3, " $"),
            Column("units_per_s", "units a second", 2),
            Column("api_usd_per_million", "API, a million units", 2, " $"),
            Column("utilisation", "by formula", 2, " %", 100),
            Column("brute_force", "by brute force", 2, " %", 100),
        ),
        rows=tuple(
            (
                rent.machine,
                rent.measured,
                rent.offer.name,
                rent.hour_usd if rent.measured else rent.rate.rate_usd_per_hour,
                rent.per_s if rent.measured else rent.rate.tokens_per_s,
                rent.api_usd_per_million,
                rent.utilisation,
                "never" if rent.served_until is None else rent.served_until,
            )
            for rent in machines
        ),
        picture=Picture(lambda ax: plots.break_evens(machines, ax), 380, 400),
    )


def break_even_sentences(machines: Sequence[Rent]) -> list[str]:
    """Compare the machine of the strongest miner that has one with each API."""
    measured = [rent for rent in machines if rent.measured]
    if not measured:
        return []
    name = measured[0].machine
    offers = [f"{rent.offer.name} {_utilisation(rent)}" for rent in measured if rent.machine == name]
    return [f"{name[0].upper()}{name[1:]} costs as much as {listed(offers)}."]


def _utilisation(rent: Rent) -> str:
    needed = f"{rent.utilisation.percent(2)} by formula"
    if not rent.formula.reachable or rent.served_until is None:
        return f"at no utilisation ({needed})"
    return f"at a utilisation of {needed}, {100 * rent.served_until:.2f} % by brute force"


def _key(name: str) -> str:
    return name.replace("'s ", "_").replace(" ", "_").lower()
