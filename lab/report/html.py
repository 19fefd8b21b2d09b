"""Pages: self-contained HTML files in one look, with no script and nothing fetched from anywhere.

    page(Publication("ocr", "Who earns what", findings, sections))

Templates are in `lab/report/templates`. Everything that is put into them is escaped, since much of it was written
by miners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.report.images.svg import inline
from lab.statistics import Estimate

from .cells import clean, harmless, plain, printed
from .palette import variables
from .plotting import WIDTH_PX, draw
from .section import Cell, Picture, Publication, Section

if TYPE_CHECKING:
    from jinja2 import Environment

PHONE_PX = 358
"""Width of a chart on a phone: 390 less the page's margins."""
PROSE = 32
"""Characters above which a cell is prose, which wraps."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, drawn twice: text in a picture that is scaled down can't be read."""

    wide: str
    phone: str


def page(publication: Publication, *, files: bool = False) -> str:
    """Return a publication as one HTML document.

    Args:
        publication: what the page shows.
        files: True to link each section's PNG, CSV and JSON, which are then expected next to the page.
    """
    return (
        environment("lab.report")
        .get_template("page.html")
        .render(
            publication=publication,
            charts={section.key: chart(section) for section in publication.sections if section.picture is not None},
            files=files,
        )
    )


def environment(*packages: str) -> Environment:
    """Return the templates of packages, of which the first that has a name wins, with what `section.html` needs."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        finalize=lambda value: harmless(value) if type(value) is str else value,  # but not what is marked as safe
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"plain": plain, "printed": printed, "svg": Markup}
    made.globals |= {"variables": variables(), "prose": is_prose, "share_of": share_of_largest}
    return made


def chart(section: Section) -> Chart:
    """Draw a section's picture for a wide screen and for a phone."""
    picture = section.picture
    assert picture is not None  # asked of sections with a picture alone
    alt = clean(f"{section.caption.shows} The figures are in the table.")
    return Chart(
        _svg(picture, WIDTH_PX, picture.height_px, f"{section.key}-w", alt),
        _svg(picture, PHONE_PX, picture.phone_px, f"{section.key}-p", alt),
    )


def is_prose(cell: Cell) -> bool:
    """Return whether a cell is text that may wrap."""
    return isinstance(cell, str) and len(cell) > PROSE


def share_of_largest(section: Section, place: int, cell: Cell) -> float | None:
    """Return a cell's share of the largest with its kind of mark, shade or bar; None if its column has no mark."""
    column = section.columns[place]
    if not (column.shaded or column.bar):
        return None
    places = [p for p, other in enumerate(section.columns) if other.shaded] if column.shaded else [place]
    rows = [row for number, row in enumerate(section.rows) if number not in section.sums]
    largest = max((_value(row[p]) for row in rows for p in places), default=0.0)
    return min(1.0, max(0.0, _value(cell)) / largest) if largest > 0 else 0.0


def _svg(picture: Picture, width_px: float, height_px: float, key: str, alt: str) -> str:
    return inline(draw(picture, width_px, height_px), key=key, alt=alt)


def _value(cell: Cell) -> float:
    if isinstance(cell, Estimate):
        return cell.value or 0.0
    return float(cell) if isinstance(cell, int | float) else 0.0
