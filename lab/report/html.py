"""Pages: self-contained HTML files in one look, with no script and nothing fetched from anywhere.

    html = render("report.html", title="A run", ...)
    write(html, Path("runs/ocr/report.html"))

Templates are in `lab/report/templates`; all that is put into them is escaped, since much of it was written
by miners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.files import write_atomically
from lab.results.words import percent
from lab.statistics import Estimate

from .cells import Printed, estimate, plain, printed
from .palette import variables
from .plotting import WIDTH_PX, new_axes
from .section import Column
from .svg import inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PHONE_PX = 358
"""Of a phone 390 wide, less the page's margins."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, drawn twice: text in a picture that is made smaller can't be read."""

    wide: str
    phone: str


def chart(key: str, alt: str, draw: Callable[[Axes], Figure], *, height_px: float, phone_px: float) -> Chart:
    """Draw a chart for a page.

    Args:
        key: a name that no other chart of the page has.
        alt: what it shows, for those who can't see it.
        draw: draws into the axes that it is given.
        height_px: of the wide one.
        phone_px: height of the one for phones.
    """
    wide = inline(draw(new_axes(WIDTH_PX, height_px)), key=f"{key}-w", alt=alt)
    return Chart(wide, inline(draw(new_axes(PHONE_PX, phone_px)), key=f"{key}-p", alt=alt))


def render(template: str, **context: Any) -> str:
    """Fill a template of `lab/report/templates`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "estimate": _estimate,
        "printed": printed,
        "percent": percent,
        "plain": plain,
        "svg": Markup,
    }
    return environment.get_template(template).render(variables=variables(), **context)


def write(html: str, path: Path) -> Path:
    """Write a page whole or not at all, and return its path."""
    return write_atomically(path, html)


def _estimate(figure: Estimate, digits: int = 2, unit: str = "", scale: float = 1.0) -> Printed:
    return estimate(figure, Column("", "", digits, unit, scale))
