"""Measure how fast pages of PDFs become tasks, compared with drawing them alone.

python benchmarks/ocr/documents.py FOLDER [--pages 40] [--dpi 150]
"""

import argparse
import time
from pathlib import Path

import pypdfium2

from subnets.ocr.documents.folder import DocumentFolder, DocumentPage

TARGET_S = 0.3
"""Target in CPU seconds to draw a page and read its text layer."""


def drawn_s(page: DocumentPage, dpi: int) -> float:
    """Return the CPU seconds to open a PDF and draw one page of it."""
    started = time.process_time()
    pdf = pypdfium2.PdfDocument(page.path)
    pdf[page.number].render(scale=dpi / 72, grayscale=True).to_numpy()
    pdf.close()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with PDFs")
    parser.add_argument("--pages", type=int, default=40, help="at most so many pages")
    parser.add_argument("--dpi", type=int, default=150)
    options = parser.parse_args()

    folder = DocumentFolder.at(options.folder)
    places = [place for place, page in enumerate(folder.pages) if page.path.suffix.lower() == ".pdf"][: options.pages]
    read_s, alone_s = [], []
    for place in places:
        alone_s.append(drawn_s(folder.pages[place], options.dpi))
        started = time.process_time()
        folder.read(place, options.dpi)
        read_s.append(time.process_time() - started)
    slow = sum(seconds > TARGET_S for seconds in read_s)
    mean_s, share = sum(read_s) / len(read_s), sum(alone_s) / sum(read_s)
    print(f"{len(places)} pages at {options.dpi} dpi: {mean_s:.3f} CPU seconds in the mean, {max(read_s):.3f} at most")
    print(f"{slow} above the target of {TARGET_S:g}; drawing alone takes {share:.0%} of it")


if __name__ == "__main__":
    main()
