"""Recorded studies: the `result.json` that each leaves in its folder, by the study's name.

recorded_studies([Path("runs")])["ecology"].figure(case)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import DamagedRecord, RecordError
from lab.statistics import Estimate

from .claim import Case


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded study."""

    path: Path
    """Its result.json."""
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
    """Rows of its sections, by their keys."""

    def figure(self, case: Case) -> Estimate:
        """Return the figure that a case names; a plain number has no interval.

        Raises:
            RecordError: the study has no such section, row or figure.
        DamagedRecord: the figure is no number.
        """
        rows = self.sections.get(case.section)
        if rows is None:
            known = ", ".join(self.sections)
            raise RecordError(
                f"{self.path}: it has no section {case.section!r}; known: {known}; record the study again"
            )
        chosen = [row for row in rows if all(row.get(key) == value for key, value in case.row.items())]
        if not chosen or case.figure not in chosen[0]:
            raise RecordError(
                f"{self.path}: section {case.section} has no figure {case.figure!r} in a row with {case.row}; record "
                "the study again"
            )
        try:
            return _estimate(chosen[0][case.figure])
        except (TypeError, ValueError):
            raise DamagedRecord(f"{self.path}: {case.figure} is no figure; record the study again") from None


def recorded_studies(folders: Sequence[Path]) -> dict[str, Recorded]:
    """Find every study below some folders; of two with one name the newer counts.

    Raises:
        RecordError: a folder does not exist.
        DamagedRecord: a result.json can't be read.
    """
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise RecordError(f"{missing[0]}: no such folder; give folders of studies, such as runs")
    paths = {path for folder in folders for path in folder.rglob("result.json")}
    found: dict[str, Recorded] = {}
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, str(path))):
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if "study" in result:
                sections = {section["key"]: [dict(row) for row in section["rows"]] for section in result["sections"]}
                found[result["study"]] = Recorded(path, sections)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedRecord(f"{path}: it is no result of a study ({error}); record the study again") from None
    return found


def _estimate(cell: Any) -> Estimate:
    if isinstance(cell, dict):
        value, low, high = (None if cell.get(key) is None else float(cell[key]) for key in ("value", "low", "high"))
        return Estimate(value, low, high, int(cell.get("n") or 0))
    known = isinstance(cell, int | float) and not isinstance(cell, bool)
    return Estimate(float(cell) if known else None, None, None, 1 if known else 0)
