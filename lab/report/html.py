"""Pages: self-contained HTML files in one look, with no script and nothing fetched from anywhere.

    html = render("report.html", title="A run", ...)
    write(html, Path("runs/ocr/report.html"))

Templates are in `lab/report/templates`; all that is put into them is escaped, since much of it was written
by miners.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.results.neurons import percent
from lab.statistics import Estimate

from .charts import WIDTH_PX, new_axes
from .palette import variables
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
    environment.filters |= {"estimate": estimate, "percent": percent, "plain": plain, "svg": Markup}
    return environment.get_template(template).render(variables=variables(), **context)


def write(html: str, path: Path) -> Path:
    """Write a page whole or not at all, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(html, encoding="utf-8")
    draft.replace(path)
    return path


def estimate(figure: Estimate, digits: int = 2, unit: str = "", scale: float = 1.0) -> dict[str, str]:
    """Split a figure, times `scale`, into its value and the interval and n that belong under it."""
    figure = figure.scaled(scale)
    if figure.value is None:
        return {"value": "–", "note": f"n={figure.n}"}
    interval = ""
    if figure.low is not None and figure.high is not None:
        dash = " to " if figure.low < 0 else "–"  # a minus after a dash can't be read
        interval = f"{figure.low:.{digits}f}{dash}{figure.high:.{digits}f}, "
    return {"value": f"{figure.value:.{digits}f}{unit}", "note": f"{interval}n={figure.n}"}


def plain(text: str, most: int = 400) -> str:
    """Cut text of unknown origin, and make visible what would not be: control and direction characters."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    shown = shown.replace(" %", "\N{NO-BREAK SPACE}%")
    return "".join(
        mark if mark in "\n\t" or unicodedata.category(mark) not in ("Cc", "Cf", "Co", "Cs", "Cn") else "�"
        for mark in shown
    )
