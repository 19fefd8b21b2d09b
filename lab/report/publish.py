"""A publication as a folder: a page, with every section as PNG, CSV and JSON.

    publish(Publication("overhead", title, findings, sections, facts), Path("runs/study-overhead"))

The same sections give the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from lab.files import write_atomically

from .export import as_dict, write_csv, write_json, write_png
from .html import page
from .section import Publication


def publish(publication: Publication, folder: Path) -> Path:
    """Write `index.html`, `result.json`, and each section's PNG, CSV and JSON; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in publication.sections:
        if section.rows:
            write_csv(section, folder / f"{section.key}.csv")
            write_json(as_dict(section), folder / f"{section.key}.json")
        if section.rows or section.picture is not None:
            write_png(section, folder / f"{section.key}.png")
    result = {
        publication.kind: publication.name,
        "title": publication.title,
        "findings": list(publication.findings),
        "facts": dict(publication.facts),
        "sections": [as_dict(section) for section in publication.sections],
    }
    write_json(result, folder / "result.json")
    return write_atomically(folder / "index.html", page(publication, files=True))
