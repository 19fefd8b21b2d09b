"""A folder of real documents, listed once: every page whose text is known, in the order of the files' names.

folder = DocumentFolder.at(Path("scans"))
folder.read(3, dpi=150)  ->  Document(image, lines, tests)
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from subnets.errors import PluginError
from subnets.ocr.document_test import DocumentTest

from . import pdf, picture, transcripts
from .document import Document

logger = logging.getLogger(__name__)

MAX_FILES = 20_000


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Where a page is, and where its truth is."""

    path: Path
    number: int = 0
    """Number of the page in a PDF, from 0."""
    truth: Path | None = None
    """File beside an image; None for a PDF."""
    tests: tuple[DocumentTest, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentFolder:
    """All pages of a folder whose text is known."""

    path: Path
    pages: tuple[DocumentPage, ...]
    skipped: int
    """Pages of PDFs and images of which nothing is known."""

    @staticmethod
    def at(path: Path) -> DocumentFolder:
        """Return the folder, listed at its first use.

        Raises:
            PluginError: no folder, no page whose text is known, or a file that can't be read; with its name.
        """
        return _listed(path.absolute())

    def read(self, index: int, dpi: int) -> Document:
        """Return a page with its image and truth; PDFs are drawn at `dpi` dots per inch.

        Raises:
            PluginError: a file can't be read or its truth does not fit; with its name.
        """
        page = self.pages[index]
        if page.path.suffix.lower() == ".pdf":
            return replace(pdf.read_page(page.path, page.number, dpi), tests=page.tests)
        image = picture.read_image(page.path)
        lines = () if page.truth is None else transcripts.read_truth(page.truth, image.shape[1], image.shape[0])
        return Document(image, lines, page.tests)


@cache
def _listed(path: Path) -> DocumentFolder:
    if not path.is_dir():
        raise PluginError(f"documents: {path} is not a folder")
    files = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if len(files) > MAX_FILES:
        raise PluginError(f"documents: {path} holds {len(files):,} files; at most {MAX_FILES:,} are read")
    tests = _tests(path, [file for file in files if file.suffix == ".jsonl"])
    pages: list[DocumentPage] = []
    skipped = 0
    for file in files:
        known = tests.get(file.name, {})
        if file.suffix.lower() == ".pdf":
            for number, has_text in enumerate(pdf.pages_with_text(file)):
                own = tuple(known.get(number + 1, ()))
                if own or (has_text and not tests):
                    pages.append(DocumentPage(file, number, tests=own))
                else:
                    skipped += 1
        elif file.suffix.lower() in picture.SUFFIXES:
            truth = _truth_of(file)
            own = tuple(known.get(1, ()))
            if own or (truth is not None and not tests):
                pages.append(DocumentPage(file, truth=truth, tests=own))
            else:
                skipped += 1
    if not pages:
        raise PluginError(
            f"documents: {path} has no page whose text is known ({skipped} pages without): it takes PDFs with a text "
            f"layer, images beside their truth ({', '.join(transcripts.SUFFIXES)}), and tests in .jsonl files"
        )
    if skipped:
        logger.warning("documents: %s: %d pages of which no text is known are left out", path, skipped)
    return DocumentFolder(path, tuple(pages), skipped)


def _truth_of(image: Path) -> Path | None:
    for suffix in transcripts.SUFFIXES:
        for name in (image.stem + suffix, image.name + suffix):
            if (path := image.with_name(name)).is_file():
                return path
    return None


def _tests(folder: Path, files: list[Path]) -> Mapping[str, Mapping[int, list[DocumentTest]]]:
    """Return the tests of a folder by the name of their file and by their page."""
    tests: dict[str, dict[int, list[DocumentTest]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8-sig").split("\n")  # JSON may hold other line separators
        except UnicodeDecodeError as error:
            raise PluginError(f"documents: {file}: it is not UTF-8 ({error.reason} at byte {error.start})") from None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                test = DocumentTest.model_validate(json.loads(line))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"])) or "test"
                raise PluginError(f"documents: {file}, line {number}: {where}: {first['msg']}") from None
            except ValueError as error:
                raise PluginError(f"documents: {file}, line {number}: it is not JSON: {error}") from None
            tests[Path(test.pdf).name][test.page].append(test)
    return tests
