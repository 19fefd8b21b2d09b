"""Findings of the miners study, and the order of its sections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.report.section import Publication
from lab.results.words import counted, percent, quoted
from lab.statistics import ranked
from lab.studies.miners.config import MinersConfig
from lab.studies.miners.contest import MinersData
from lab.studies.miners.market import Day, Rent, rents

from .claims import claims_section, claims_sentences
from .contest import contest_section, strongest
from .cost import cost_section
from .detection import detection_section, detection_sentence
from .profit import break_even_section, break_even_sentences, profit_section, sensitivity_section
from .speed import speed_section


def page(data: MinersData, config: MinersConfig, folder: Path) -> Publication:
    """Write the study's findings and sections."""
    days = [Day.of(miner, config) for miner in data.miners]
    machines = rents(data.miners, config)
    sections = (
        contest_section(data),
        speed_section(data),
        cost_section(data, config),
        profit_section(days, config),
        sensitivity_section(data, config),
        break_even_section(machines) if machines else None,
        detection_section(data.detections) if data.detections else None,
        claims_section(data.claims) if data.claims.checked else None,
    )
    return Publication(
        name="miners",
        title="Model or passthrough: what each way of mining is worth",
        findings=tuple(_findings(data, days, machines)),
        sections=tuple(section for section in sections if section is not None),
        facts=_facts(data, config),
    )


def _facts(data: MinersData, config: MinersConfig) -> tuple[tuple[str, str], ...]:
    prices, market = config.prices, config.market
    return (
        ("subnet", config.subnet.key),
        (
            "asked",
            f"{counted(data.tasks, 'task')} of every miner, by {counted(len(config.validator_names), 'validator')}",
        ),
        ("seed", str(config.seed)),
        (
            "prices",
            f"${prices.cpu_hour_usd:g} for a core-hour, ${prices.gpu_hour_usd:g} for a GPU-hour, "
            f"${prices.token_usd:g} for a token of pay, as of {prices.date}",
        ),
        (
            "assumed",
            f"{market.pay_per_day:g} tokens a day for all miners, {market.questions_per_day:,.0f} questions a day for "
            f"each, hardware working in {percent(market.utilisation)} of the paid hours, "
            f"{market.core_w:g} W a core at ${market.kwh_usd:g} a kWh",
        ),
        *((f"price of {offer.name}", offer.source) for offer in market.apis),
    )


def _findings(data: MinersData, days: Sequence[Day], machines: Sequence[Rent]) -> list[str]:
    findings = []
    if data.miners:
        best = data.miners[0]
        findings.append(
            f"{strongest(data)} {quoted(best.name)} won {best.win_rate.percent(1)} of its comparisons with other "
            "honest "
            f"miners, at a true quality of {best.result.quality.text()}."
            if best.win_rate.value is not None
            else strongest(data)
        )
    by_profit = ranked(days, lambda day: day.profit.value)
    if len(by_profit) > 1:
        most, least = by_profit[0], by_profit[-1]
        findings.append(
            f"At the assumed prices, {quoted(most.name)} kept the most of a day's pay, "
            f"{most.profit.text(unit=' $')}, and "
            f"{quoted(least.name)} the least, {least.profit.text(unit=' $')}."
        )
    findings += break_even_sentences(machines)
    findings += [sentence for sentence in map(detection_sentence, data.detections) if sentence]
    findings += claims_sentences(data.claims)
    return findings
