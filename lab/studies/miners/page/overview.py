"""The page of the miners study."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.section import Caption, Cell, Column, Picture, Publication, Section
from lab.results.words import counted, percent
from lab.statistics import ranked, ratio
from lab.statistics.claims import ALPHA
from lab.studies.miners import plots as pictures
from lab.studies.miners.config import MinersConfig
from lab.studies.miners.contest import Line, MinersData
from lab.studies.miners.detection import PROMPTS, DetectionResult
from lab.studies.miners.market import CHANGES, Change, Day, Rent, energy_j, rents

from . import sentences as sentences

ROW_PX = 28


def publication(data: MinersData, config: MinersConfig) -> Publication:
    """Put the study's answers together."""
    days = [Day.of(line, config) for line in data.lines]
    machines = rents(data.lines, config)
    sections = (
        _contest(data),
        _speed(data),
        _cost(data, config),
        _profit(days, config),
        _sensitivity(data, config),
        _break_even(machines) if machines else None,
        _detection(data.told) if data.told else None,
        _claims(data) if data.claims else None,
    )
    return Publication(
        study="miners",
        title="Model against passthrough: what each way of mining is worth",
        findings=tuple(sentences.findings(data, days, machines)),
        sections=tuple(section for section in sections if section is not None),
        facts=_facts(data, config),
    )


def _facts(data: MinersData, config: MinersConfig) -> tuple[tuple[str, str], ...]:
    prices, market = config.prices, config.market
    return (
        ("subnet", config.subnet.key),
        ("asked", f"{counted(data.tasks, 'task')}, each of every miner, by {len(config.validator_names)} validators"),
        ("seed", str(config.seed)),
        (
            "prices",
            f"${prices.cpu_hour_usd:g} for a core-hour, ${prices.gpu_hour_usd:g} for a GPU-hour, "
            f"${prices.token_usd:g} for a token of pay, as of {prices.date}",
        ),
        (
            "assumed",
            f"{market.pay_per_day:g} tokens a day for all miners, {market.questions_per_day:,.0f} questions a day to "
            f"each, hardware at work {percent(market.utilisation)} of the hours that are paid for, "
            f"{market.core_w:g} W a core at ${market.kwh_usd:g} a kWh",
        ),
        *((f"price of {offer.name}", offer.source) for offer in market.apis),
    )


def _contest(data: MinersData) -> Section:
    undecided = f" {data.undecided[0].upper()}{data.undecided[1:]}." if data.undecided else ""
    return _section(
        key="contest",
        title="Who wins",
        caption=Caption(
            sentences.of_contest(data) if data.lines else "No honest miner was asked.",
            "Strength is by the validators' scores: where these are wrong, it is. Intervals are over tasks; other "
            f"tasks, or other miners to beat, may give another order.{undecided}",
        ),
        columns=(
            Column("miner", "miner"),
            Column("quality", "true quality"),
            Column("score", "score"),
            Column("win_rate", "meetings won", 1, " %", 100),
            Column("strength", "strength", 2),
            Column("tasks_won", "tasks won", 1, " %", 100),
            Column("faults", "faults", 0),
        ),
        rows=tuple(
            (
                line.name,
                line.standing.quality,
                line.standing.score,
                line.win_rate,
                line.strength,
                line.tasks_won,
                sum(line.standing.faults.values()),
            )
            for line in data.lines
        ),
        picture=_rows_picture(lambda ax: pictures.strengths(data.lines, ax), len(data.lines)),
    )


def _speed(data: MinersData) -> Section:
    timed = ranked(data.lines, lambda line: line.standing.latency_p50_s.value)
    alone = any(line.alone_p50_s.value is not None for line in data.lines)
    return _section(
        key="speed",
        title="How fast",
        caption=Caption(
            f"{timed[-1].name} answers soonest, in {timed[-1].standing.latency_p50_s.text(2, ' s')} at the median."
            if timed
            else "No answer arrived.",
            "All miners work at once on this machine's cores, so each is slowed by the others"
            + (
                ", but for the column where each had the machine to itself. "
                if alone
                else "; --full times each alone as well. "
            )
            + "Servers are on this machine too: a relay's latency holds no network. The first token is by the engine's "
            "own clock; answers reach validators whole.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("latency_p50_s", "median", 2, " s"),
            Column("latency_p95_s", "95th percentile", 2, " s"),
            Column("alone_p50_s", "median alone", 2, " s"),
            Column("first_token_s", "first token", 2, " s"),
            Column("later_token_s", "each later token", 0, " ms", 1000),
            Column("tokens_per_s", "tokens a second", 1),
        ),
        rows=tuple(
            (
                line.name,
                line.standing.latency_p50_s,
                line.standing.latency_p95_s,
                line.alone_p50_s if alone else None,
                line.first_token_s if line.first_token_s.n else None,
                line.later_token_s if line.later_token_s.n else None,
                line.tokens_per_s if line.tokens_per_s.n else None,
            )
            for line in data.lines
        ),
        picture=_rows_picture(lambda ax: pictures.latencies(data.lines, ax), len(data.lines)),
    )


def _cost(data: MinersData, config: MinersConfig) -> Section:
    priced = ranked(data.lines, lambda line: line.standing.usd.value)
    return _section(
        key="cost",
        title="What an answer costs its miner",
        caption=Caption(
            f"{priced[-1].name} answers cheapest: 1,000 answers for "
            f"{priced[-1].standing.usd.scaled(1000).text(4, ' $')}."
            if priced
            else "No answer arrived.",
            "Hardware counts by the metered second, as if it never stood idle; what idle hours add is in the day "
            "below. Answers count where they arrived, and failed attempts are paid for by those. A win is a task won, "
            "and a shared one counts in part. A CPU's energy is assumed from its seconds.",
        ),
        columns=(
            Column("miner", "miner"),
            Column("usd", "1,000 answers", 4, " $", 1000),
            Column("usd_per_1000_tokens", "1,000 tokens", 6, " $"),
            Column("usd_per_win", "1,000 wins", 4, " $", 1000),
            Column("cpu_s", "CPU of an answer", 3, " s"),
            Column("gpu_s", "GPU of an answer", 3, " s"),
            Column("energy_wh_per_1000", "energy of 1,000", 2, " Wh"),
        ),
        rows=tuple(_cost_row(line, config) for line in data.lines),
        picture=_rows_picture(lambda ax: pictures.costs(data.lines, ax), len(data.lines)),
    )


def _cost_row(line: Line, config: MinersConfig) -> tuple[Cell, ...]:
    costs = [one.graded.cost for one in line.given]
    arrived = [float(one.arrived) for one in line.given]
    gpu_s = ratio([cost.gpu_s for cost in costs], arrived)
    energy_wh = ratio([energy_j(cost, config.market) / 3600 for cost in costs], arrived)
    return (
        line.name,
        line.standing.usd,
        line.usd_per_1000_tokens if line.usd_per_1000_tokens.value is not None else None,
        line.usd_per_win,
        line.standing.cpu_s,
        gpu_s if gpu_s.value else None,
        energy_wh.scaled(1000),
    )


def _profit(days: Sequence[Day], config: MinersConfig) -> Section:
    rich = ranked(days, lambda day: day.profit.value)
    return _section(
        key="profit",
        title="What a day brings",
        caption=Caption(
            f"{rich[0].name} keeps {rich[0].profit.text(unit=' $')} of {rich[0].pay:.2f} $ of pay."
            if rich
            else "No miner was reached, so what a day brings is unknown.",
            f"Pay is the contest's, paid once by its consensus, and as if it went on all day: it has no interval, and "
            f"those shown are of the cost. Prices, {config.market.questions_per_day:,.0f} questions a day and a "
            f"utilisation of {percent(config.market.utilisation)} are assumptions. Work of the miner's owner, "
            "registration and stake are not in here.",
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


def _sensitivity(data: MinersData, config: MinersConfig) -> Section | None:
    reached = [line for line in data.lines if line.given]
    found = {line.name: {name: _profits(line, config, *pair) for name, pair in CHANGES.items()} for line in reached}
    bases = {line.name: _profits(line, config, Change())[0] for line in reached}
    spans = {
        name: max((abs(ends[name][1] - ends[name][0]) for ends in found.values()), default=0.0) for name in CHANGES
    }
    moving = [name for name in CHANGES if spans[name] > 0]
    if not moving:
        return None
    most = max(moving, key=lambda name: spans[name])
    least = min(moving, key=lambda name: spans[name])
    return _section(
        key="sensitivity",
        title="What the day's profit hangs on",
        caption=Caption(
            f"Of all that is assumed, {most} moves profit the most when it is halved and doubled, by up to "
            f"${spans[most]:.2f}, and {least} the least, by up to ${spans[least]:.2f}.",
            "One assumption is changed at a time, and miners stay as they are: none answers more or leaves, though "
            "at other prices they would. Utilisation is doubled to 100 % at most.",
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
            (line.name, bases[line.name], *(end for name in moving for end in found[line.name][name]))
            for line in reached
        ),
        picture=Picture(
            lambda ax: pictures.sensitivities(bases, found, moving, ax),
            90 + 17 * (len(moving) + 1) * len(reached),
            110 + 17 * (len(moving) + 1) * len(reached),
        ),
    )


def _profits(line: Line, config: MinersConfig, *changes: Change) -> tuple[float, ...]:
    """Dollars a day under each change; empty for a miner that was never reached."""
    found = (Day.of(line, config, change).profit.value for change in changes)
    return tuple(value for value in found if value is not None)


def _break_even(machines: Sequence[Rent]) -> Section:
    never = [rent for rent in machines if not rent.formula.reachable]
    return _section(
        key="break_even",
        title="When does a machine of one's own beat an API?",
        caption=Caption(
            f"Of {counted(len(machines), 'pair')} of a machine and an API, {len(machines) - len(never)} have a "
            f"utilisation from which the machine is the cheaper one, and in {len(never)} it never is.",
            "By formula: rent / (price * speed * 3600). By brute force: answers of the contest are served one after "
            "another until the API's bill for them reaches an hour's rent. A core is measured while its neighbours "
            "work; machines that are not measured are as fast as the config says. Intervals are over answers; above "
            "100 % no use is enough. Whether both answer equally well is not looked at here."
            + pictures.left_out([rent.machine for rent in machines], "machines"),
        ),
        columns=(
            Column("machine", "machine"),
            Column("measured", "measured"),
            Column("api", "API"),
            Column("hour_usd", "an hour", 3, " $"),
            Column("units_per_s", "made a second", 2),
            Column("api_usd_per_million", "API, a million", 2, " $"),
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
        picture=Picture(lambda ax: pictures.break_evens(machines, ax), 380, 400),
    )


def _detection(told: Sequence[DetectionResult]) -> Section:
    unseen = sorted({group for one in told for group in one.unseen})
    missing = f" Not recorded here, so not tried: {', '.join(unseen)}." if unseen else ""
    return _section(
        key="detection",
        title="Can a relay be told from a local model?",
        caption=Caption(
            " ".join(filter(None, map(sentences.of_pair, told))) or "Too few tasks were answered by both to tell.",
            "The relay's server is on this machine: over a network its latency would differ more, or less if it "
            "waited on purpose. Token timing is by the engines' clocks; validators here get answers whole and see "
            "none of it. Caught is the share of relays above the evidence that 1 % of local miners reach. "
            "Log-probabilities are of the text under the validator's own copy: miners send none. "
            "Sets of prompts are drawn from the same few tasks, and a false alarm of 1 % can't be told from fewer "
            f"than 100 of them.{missing}",
        ),
        columns=(
            Column("pair", "pair"),
            Column("seen", "what is looked at"),
            *(Column(f"auc_{prompts}", f"AUC, {counted(prompts, 'prompt')}", 2) for prompts in PROMPTS),
            *(Column(f"caught_{prompts}", f"caught, {prompts}", 0, " %", 100) for prompts in PROMPTS),
        ),
        rows=tuple(row for one in told for row in _told_rows(one)),
        picture=Picture(lambda ax: pictures.detections(told, ax), 380, 460),
    )


def _told_rows(one: DetectionResult) -> list[tuple[Cell, ...]]:
    """A row for each thing looked at: AUC by prompts, then the share caught at 1 % false alarms."""
    rows: list[tuple[Cell, ...]] = []
    for group in dict.fromkeys(power.group for power in one.powers):
        powers = [power for power in one.powers if power.group == group]
        rows.append(
            (one.table.name, group, *(power.auc for power in powers), *(power.caught for power in powers)),
        )
    return rows


def _claims(data: MinersData) -> Section:
    return _section(
        key="claims",
        title="Do miners claim more tokens than they wrote?",
        caption=Caption(
            " ".join(sentences.of_claims(data)),
            f"{sentences.of_tolerance(data)} The evidence may be read after every output: of miners whose claims are "
            f"no further above it on average it ever flags {percent(ALPHA)} at most, however many outputs there are. "
            "Tokens that leave no trace in the answer, such as hidden reasoning, can't be counted so."
            + pictures.left_out([one.name for one in data.claims], "miners"),
        ),
        columns=(
            Column("miner", "miner"),
            Column("honest", "honest"),
            Column("excess", "claimed above our count", 1, " %", 100),
            Column("unclaimed", "answers without a claim", 1, " %", 100),
            Column("flagged_at", "flagged after"),
            Column("evidence", "largest evidence", 1, "×"),
        ),
        rows=tuple(
            (
                one.name,
                one.honest,
                one.check.excess,
                one.check.unclaimed,
                "never" if one.check.flagged_at is None else counted(one.check.flagged_at, "output"),
                one.check.evidence,
            )
            for one in data.claims
        ),
        picture=Picture(lambda ax: pictures.evidences(data.claims, ax), 300, 300),
    )


def _rows_picture(draw: pictures.Draw, rows: int) -> Picture:
    return Picture(draw, 70 + ROW_PX * max(1, rows), 80 + ROW_PX * max(1, rows))


def _section(
    key: str,
    title: str,
    caption: Caption,
    columns: tuple[Column, ...],
    rows: tuple[tuple[Cell, ...], ...],
    picture: Picture | None = None,
) -> Section:
    """Make a section without the columns that hold nothing in any row."""
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    return Section(
        key,
        title,
        caption,
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        picture,
    )


def _key(name: str) -> str:
    return name.replace("'s ", "_").replace(" ", "_").lower()
