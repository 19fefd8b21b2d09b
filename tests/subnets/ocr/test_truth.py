"""What the truth says stands in a box, tesseract reads there."""

import asyncio

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from miners.engines.readers.tesseract import Tesseract
from subnets import Seed
from subnets.ocr import Line
from subnets.ocr.degrade import Degradation, Image, encode, move
from subnets.ocr.synthetic.printing import print_page

BENT = Degradation(rotation_deg=-1.7, corners=(0.02, -0.01, -0.02, 0.01, 0.015, 0.02, -0.01, 0.02))
CROPS = 12
"""Boxes read of each page."""


def crop(image: Image, line: Line) -> Image:
    """Cut the ink of a line out of the page and set it upright."""
    corners = np.array(line.quad, dtype=np.float32)
    width = round(float(np.linalg.norm(corners[1] - corners[0])))
    height = round(float(np.linalg.norm(corners[3] - corners[0])))
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, upright)
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height)), dtype=np.uint8)


def stack(crops: list[Image]) -> Image:
    """Set crops below one another, far enough apart to be separate lines."""
    sheet = np.full((40 + 60 * len(crops), 80 + max(piece.shape[1] for piece in crops)), 255, np.uint8)
    for number, piece in enumerate(crops):
        top = 40 + 60 * number
        sheet[top : top + piece.shape[0], 40 : 40 + piece.shape[1]] = piece
    return sheet


def likeness(image: Image, lines: list[Line]) -> list[float]:
    """Read some of the true boxes and compare with the true texts."""
    worded = [line for line in lines if sum(map(str.isalnum, line.text)) >= 4]
    chosen = [worded[i] for i in np.linspace(0, len(worded) - 1, min(CROPS, len(worded))).astype(int)]
    sheet = stack([crop(image, line) for line in chosen])
    readings = asyncio.run(Tesseract(psm=6).read(encode(sheet, 95)))
    return [
        max((Levenshtein.normalized_similarity(line.text, reading.text) for reading in readings), default=0.0)
        for line in chosen
    ]


def test_each_true_box_of_a_clean_page_holds_its_text(kind: str) -> None:
    page, lines = print_page(kind, "en_US", 1000, Seed(11))
    similar = likeness(page, lines)
    assert min(similar) > 0.7 and np.mean(similar) > 0.95, similar


def test_each_true_quadrilateral_of_a_bent_page_holds_its_text(kind: str) -> None:
    page, lines = print_page(kind, "en_US", 1000, Seed(12))
    image, matrix = BENT.apply(page, np.random.default_rng(0))
    similar = likeness(image, [move(line, matrix) for line in lines])
    assert min(similar) > 0.7 and np.mean(similar) > 0.95, similar
