"""Figures as inline SVG: no width of their own, the page's font, and colours that are the page's variables."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from lab.report.palette import variables
from lab.report.plotting import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
REFERENCE = re.compile(r"(?<=url\(#)[^)]+")


def inline(figure: Figure, *, key: str, alt: str) -> str:
    """Return the figure as an `<svg>` element.

    Args:
        figure: drawn in the colours of `palette`.
        key: begins every id, so that no two charts of one page clash.
        alt: what the chart shows, for those who can't see it.
    """
    drawn = StringIO()
    with styled():
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # Only Matplotlib wrote this; what miners wrote arrives as escaped text inside it.
    root = ElementTree.fromstring(drawn.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            # Its style sheet would apply to the whole page.
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {name for value in values for name in REFERENCE.findall(value)}
    used |= {element.get(f"{{{XLINK}}}href", "").removeprefix("#") for element in root.iter()}
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                del element.attrib[name]
                if value in used:
                    element.set("id", f"{key}-{value}")
            elif name == f"{{{XLINK}}}href":
                del element.attrib[name]
                element.set("href", f"#{key}-{value.removeprefix('#')}")
            elif name in ("style", "clip-path", "fill", "stroke"):
                element.set(name, REFERENCE.sub(rf"{key}-\g<0>", _themed(value)))
    view = root.get("viewBox", "0 0 1 1")
    root.attrib.clear()
    root.attrib.update({"viewBox": view, "role": "img", "aria-label": alt})
    root.set("style", f"max-width:{float(view.split()[2]):.0f}px")
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _themed(style: str) -> str:
    for name, (light, _) in variables().items():
        style = style.replace(light, f"var(--{name})")
    style = re.sub(r"font: ([\d.]+px) [^;]*", r"font-size: \1", style)
    return re.sub(r"font-family: [^;]*;?", "", style)
