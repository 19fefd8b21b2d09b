"""Degradation: what it does to the image it does to the truth."""

import cv2
import numpy as np
import pytest

from subnets import Seed
from subnets.ocr import Font, Line
from subnets.ocr.degrade import Degradation, encode, move
from subnets.ocr.synthetic.printing import print_page

BENT = Degradation(resolution=0.8, rotation_deg=2.0, corners=(0.01, -0.01, -0.02, 0.0, 0.015, 0.02, -0.01, 0.005))


def test_at_difficulty_zero_nothing_is_changed() -> None:
    page = print_page("letter", "en_US", 600, Seed(1))[0]
    image, matrix = Degradation.draw(0.0, np.random.default_rng(1)).apply(page, np.random.default_rng(2))
    assert np.array_equal(image, page)
    assert np.array_equal(matrix, np.eye(3))


def test_every_strength_grows_with_the_difficulty() -> None:
    mild, harsh = (Degradation.draw(difficulty, np.random.default_rng(5)) for difficulty in (0.2, 0.9))
    assert harsh.resolution < mild.resolution < 1
    assert harsh.jpeg_quality < mild.jpeg_quality
    assert abs(harsh.rotation_deg) > abs(mild.rotation_deg) > 0
    for strength in ("blur_sigma", "fading", "shading", "noise_sigma"):
        assert getattr(harsh, strength) > getattr(mild, strength) > 0
    assert harsh.stains >= mild.stains


def test_a_mark_is_found_where_the_homography_puts_it() -> None:
    for x, y in [(100, 100), (480, 120), (300, 400), (60, 700), (540, 760)]:
        page = np.full((800, 600), 255, np.uint8)
        page[y - 3 : y + 3, x - 3 : x + 3] = 0
        image, matrix = BENT.apply(page, np.random.default_rng(0))
        ink = 255.0 - image
        rows, columns = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]] + 0.5
        seen = (columns * ink).sum() / ink.sum(), (rows * ink).sum() / ink.sum()
        corners = ((x, y), (x, y), (x, y), (x, y))
        moved = move(Line("mark", corners, Font(family="Lato", size=6.0)), matrix).quad[0]
        assert moved == pytest.approx(seen, abs=0.15)


def test_the_whole_page_stays_inside_the_result() -> None:
    for seed in range(30):
        moved, size = Degradation.draw(1.0, np.random.default_rng(seed)).quad(900, 1200)
        assert moved.min() > -0.01
        assert (moved <= np.array(size) + 0.01).all()


def test_ink_of_a_bent_page_lies_inside_its_true_quadrilaterals_and_fills_them() -> None:
    page, lines = print_page("letter", "en_US", 1000, Seed(4))
    image, matrix = BENT.apply(page, np.random.default_rng(0))
    ink = (image < 128).astype(np.uint8)
    inside = np.zeros_like(ink)
    for line in lines:
        quad = np.array(move(line, matrix).quad)
        own = np.zeros_like(ink)
        # A line's bounds are whole pixels of the clean page; blur adds one more.
        cv2.fillConvexPoly(own, np.rint(quad - 0.5).astype(np.int32), 1)
        inside |= cv2.dilate(own, np.ones((3, 3), np.uint8))
        rows, columns = np.nonzero(ink & own)
        left, right = quad[:, 0].min(), quad[:, 0].max()
        assert abs(columns.min() - left) < 3 and abs(columns.max() + 1 - right) < 3, line.text
        # On a slope the tallest letter need not stand at the end that reaches highest.
        top, bottom = quad[:, 1].min(), quad[:, 1].max()
        assert abs(rows.min() - top) < 8 and abs(rows.max() + 1 - bottom) < 8, line.text
    assert ink[inside == 0].sum() == 0


def test_the_box_is_the_upright_one_around_the_quadrilateral() -> None:
    line = Line("a", ((10.0, 4.0), (50.0, 6.0), (49.0, 20.0), (9.0, 18.0)), Font(family="Lato", size=20.0))
    assert line.box == (9.0, 4.0, 50.0, 20.0)


def test_what_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises((ValueError, cv2.error)):
        encode(np.zeros((0, 0), np.uint8), 90)
