"""A publication as a folder: a page, and beside it every picture as PNG and every table as CSV and JSON.

    publish(Publication(title, findings, sections, facts), Path("runs/study-overhead"))

The same sections give the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from .export import as_dict, write_csv, write_json, write_png
from .html import Chart, chart, render, write
from .section import Publication


def publish(publication: Publication, folder: Path) -> Path:
    """Write `index.html`, `result.json`, and each section's PNG, CSV and JSON; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    charts: dict[str, Chart] = {}
    for section in publication.sections:
        if section.rows:
            write_csv(section, folder / f"{section.key}.csv")
            write_json(as_dict(section), folder / f"{section.key}.json")
        if section.picture is not None:
            picture, alt = section.picture, f"{section.caption.shows} The figures are in the table."
            charts[section.key] = chart(
                section.key, alt, picture.draw, height_px=picture.height_px, phone_px=picture.phone_px
            )
            write_png(picture, folder / f"{section.key}.png")
    write_json(
        {
            "study": publication.study,
            "title": publication.title,
            "findings": list(publication.findings),
            "facts": dict(publication.facts),
            "sections": [as_dict(section) for section in publication.sections],
        },
        folder / "result.json",
    )
    page = render("study.html", title=publication.title, study=publication, charts=charts)
    return write(page, folder / "index.html")
