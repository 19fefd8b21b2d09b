"""Page of the retention study, its long tables, and the summary that `--json` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab.report.section import Caption, Cell, Column, Picture, Publication, Section
from lab.results.words import counted
from lab.statistics import ranked

from .guarantee import RetentionData, SettingLine
from .plots import draw_grid, draw_settings


def page(data: RetentionData) -> Publication:
    """Write the study's findings and sections."""
    config = data.config
    return Publication(
        name="retention",
        title="What an honest majority needs so that a cabal does not grow",
        findings=tuple(_findings(data)),
        sections=(_settings(data), *([_grid(data)] if config.grid_stake_shares else [])),
        facts=(
            ("subnet", f"{config.validators} validators and {config.neurons - config.validators} miners"),
            ("simulated", counted(data.epochs, "epoch")),
            ("draws", f"{config.seeds} of stake and weights for each point of a line, the first one upstream's own"),
        ),
    )


def _findings(data: RetentionData) -> list[str]:
    findings = []
    known = ranked(data.lines, lambda line: line.worst.value)
    if known:
        most, least = known[0], known[-1]
        findings.append(
            f"At the cabal's best answer, honest validators must put {most.worst.percent(1)} of their weight on honest "
            f"miners in the hardest setting ({most.setting.name}) and {least.worst.percent(1)} in the easiest "
            f"({least.setting.name})."
        )
    distances = [
        float(np.abs(line.draws[:, 0] - line.published).max()) for line in data.lines if line.published is not None
    ]
    if distances:
        findings.append(
            f"With upstream's own draw, {counted(len(distances), 'published line')} are reproduced to within "
            f"{max(distances):.4f}."
        )
    return findings


def _settings(data: RetentionData) -> Section:
    published = [line for line in data.lines if line.published is not None]
    return Section(
        key="retention",
        title="Which honest utility suffices, whatever the cabal does?",
        caption=Caption(
            "Honest utility is the share of their weight that honest validators put on honest miners. The table gives "
            "the least one that keeps the honest share of emission, at the cabal utility that requires most."
            + (" Crosses are upstream's published points, each a single draw." if published else ""),
            "The intervals are over draws of stake and weights; cabals that change their play from epoch to epoch are "
            "not simulated.",
        ),
        columns=(
            Column("setting", "setting"),
            Column("needed", "least honest utility"),
            Column("published", "published"),
            Column("same_draw", "the same draw here"),
        ),
        rows=tuple(_setting_row(line) for line in data.lines),
        picture=Picture(lambda ax: draw_settings(data, ax), 460, 440),
    )


def _setting_row(line: SettingLine) -> tuple[Cell, ...]:
    needed = "never enough" if line.worst.value is None else line.worst
    return (line.setting.name, needed, line.worst_published, line.worst_same_draw)


def _grid(data: RetentionData) -> Section:
    rows = []
    for share, needed in zip(data.config.grid_stake_shares, data.grid_needed, strict=True):
        suffices = not np.isnan(needed).any()
        worst = int(np.argmax(np.where(np.isnan(needed), np.inf, needed)))
        rows.append((share, float(needed[worst]) if suffices else "never enough", float(data.utilities[worst])))
    return Section(
        key="grid",
        title="How much does it depend on the honest stake?",
        caption=Caption(
            f"The least honest utility under {data.config.grid.name}, for each honest share of stake.",
            "One draw of stake and weights, upstream's own, so there is no interval. The emission at every point is in "
            "retention_grid.csv.",
        ),
        columns=(
            Column("stake_share", "honest stake", 2),
            Column("needed", "least honest utility"),
            Column("cabal_utility", "at a cabal utility of", 2),
        ),
        rows=tuple(rows),
        picture=Picture(lambda ax: draw_grid(data, ax), 440, 400),
    )


def tables(data: RetentionData) -> tuple[Section, ...]:
    """Return the emission at every point of the grid, and every point of every line."""
    caption = Caption("", "")
    grid = Section(
        key="retention_grid",
        title="Honest emission over the grid",
        caption=caption,
        columns=tuple(
            Column(key, key) for key in ("stake_share", "cabal_utility", "honest_utility", "honest_emission")
        ),
        rows=tuple(
            (share, round(float(cabal), 4), round(float(honest), 4), round(float(data.honest_emission[i, j, k]), 6))
            for i, share in enumerate(data.config.grid_stake_shares)
            for j, cabal in enumerate(data.utilities)
            for k, honest in enumerate(data.utilities)
        ),
    )
    lines = Section(
        key="retention_lines",
        title="Least honest utility by setting and cabal utility",
        caption=caption,
        columns=tuple(Column(key, key) for key in ("setting", "cabal_utility", "needed", "published", "same_draw")),
        rows=tuple(
            (line.setting.name, round(float(cabal), 4), needed, published, round(float(draws[0]), 4))
            for line in data.lines
            for cabal, needed, published, draws in zip(
                line.cabal_utility,
                line.needed,
                line.published or (None,) * len(line.needed),
                line.draws,
                strict=True,
            )
        ),
    )
    return grid, lines


def summary(data: RetentionData) -> dict[str, Any]:
    """Return the worst point of every line, and how long the study took."""
    return {
        "epochs": data.epochs,
        "grid_s": data.grid_s,
        "total_s": data.total_s,
        "lines": [
            {
                "setting": line.setting.name,
                "needed": line.worst.value,
                "published": line.worst_published,
                "same_draw": line.worst_same_draw,
            }
            for line in data.lines
        ],
    }
