"""Degradation: makes a clean page look photographed, copied and compressed.

The same homography moves the page and its truth. Every strength grows with the difficulty; each page
draws its own mixture. At difficulty 0 nothing changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from .page import Line, Quad

# The lab spreads pages over cores, where OpenCV's own threads would get in the way.
cv2.setNumThreads(1)

Image = NDArray[np.uint8]
Homography = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Degradation:
    """Strength of each effect on one page."""

    resolution: float = 1.0
    """Width of the result over width of the page."""
    rotation_deg: float = 0.0
    corners: tuple[float, ...] = (0.0,) * 8
    """Shift of each corner, x and y, as shares of the width."""
    blur_sigma: float = 0.0
    """Standard deviation of the blur, in pixels of the result."""
    fading: float = 0.0
    """Share of the ink's darkness that is lost."""
    shading: float = 0.0
    """Share of the light that the darkest corner lacks."""
    stains: int = 0
    noise_sigma: float = 0.0
    """Standard deviation of the noise, in grey levels of 255."""
    jpeg_quality: int = 95

    @classmethod
    def draw(cls, difficulty: float, rng: np.random.Generator) -> Degradation:
        """Draw a mixture for a difficulty in [0, 1]; the same generator gives the same mixture at any difficulty."""
        strength = difficulty * rng.uniform(0.7, 1.0, size=7)
        angle, corners, stains = rng.uniform(-1, 1), rng.uniform(-1, 1, size=8), rng.uniform(0.5, 1.0)
        return cls(
            resolution=1.0 - 0.46 * float(strength[0]),
            rotation_deg=2.0 * difficulty * float(angle),
            corners=tuple((0.02 * difficulty * corners).tolist()),
            blur_sigma=0.8 * float(strength[1]),
            fading=0.35 * float(strength[2]),
            shading=0.5 * float(strength[3]),
            stains=round(8 * difficulty * float(stains)),
            noise_sigma=8.0 * float(strength[5]),
            jpeg_quality=round(95 - 65 * float(strength[6])),
        )

    def quad(self, width: int, height: int) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return the corners of the page in the result, (4, 2), and the result's width and height.

        The whole page stays inside the result.
        """
        size = round(width * self.resolution), round(height * self.resolution)
        sine, cosine = math.sin(math.radians(self.rotation_deg)), math.cos(math.radians(self.rotation_deg))
        x, y = np.array([0, width, width, 0]), np.array([0, 0, height, height])
        moved = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
        moved += width * np.reshape(self.corners, (4, 2))
        low, high = moved.min(axis=0), moved.max(axis=0)
        scale = min(size[0] / (high[0] - low[0]), size[1] / (high[1] - low[1]))
        return ((moved - (low + high) / 2) * scale + np.array(size) / 2).astype(np.float32), size

    def apply(self, page: Image, rng: np.random.Generator) -> tuple[Image, Homography]:
        """Degrade a grey page, (height, width); return the result and the homography applied."""
        height, width = page.shape
        moved, size = self.quad(width, height)
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        matrix, image = np.eye(3), page
        if not np.array_equal(moved, corners):
            matrix = np.asarray(cv2.getPerspectiveTransform(corners, moved), dtype=np.float64)
            # Strokes thinner than a pixel of the result would flicker, so smooth them first.
            image = _blur(page, 0.45 * (1 / self.resolution - 1) + 0.15)
            image = _warp(image, np.asarray(cv2.getPerspectiveTransform(moved, corners), dtype=np.float32), size)
        image = _blur(image, self.blur_sigma)
        if self.fading:
            faded = np.rint(255 - (255 - np.arange(256)) * (1 - self.fading)).astype(np.uint8)
            image = np.asarray(cv2.LUT(image, faded), dtype=np.uint8)
        if self.shading or self.stains:
            image = np.asarray(cv2.multiply(image, self._light(size, rng), scale=1 / 255), dtype=np.uint8)
        if self.noise_sigma:
            quantiles = np.rint(_normal_quantiles() * self.noise_sigma).astype(np.int16)
            noise = quantiles[np.frombuffer(rng.bytes(image.size), np.uint8)].reshape(image.shape)
            image = np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), dtype=np.uint8)
        return image, matrix

    def _light(self, size: tuple[int, int], rng: np.random.Generator) -> Image:
        """Return how much light each pixel gets, up to 255: a smooth gradient and some stains."""
        # An eighth of the size is enough for a smooth gradient.
        width, height = -(-size[0] // 8), -(-size[1] // 8)
        coarse = (255 - 255 * self.shading * rng.uniform(0, 1, size=(3, 3))).astype(np.uint8)
        light = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        for x, y, radius, shape, dark in rng.uniform(0, 1, size=(self.stains, 5)):
            stain = np.full_like(light, 255)
            axes = max(1, int((0.02 + 0.08 * radius) * width)), max(1, int((0.02 + 0.08 * shape) * width))
            centre = int(x * width), int(y * height)
            tone = int(255 - 110 * self.shading * (1 + dark))
            filled = -1 if shape > radius else 2
            cv2.ellipse(stain, centre, axes, 180.0 * shape, 0, 360, (tone,), filled)
            light = np.asarray(cv2.multiply(light, _blur(stain, 1.0), scale=1 / 255), dtype=np.uint8)
        return np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def move(line: Line, matrix: Homography) -> Line:
    """Carry a line's quadrilateral through a homography, to a hundredth of a pixel."""
    if line.quad is None:
        return line
    points = np.array([[x, y, 1.0] for x, y in line.quad]) @ matrix.T
    xy = np.round(points[:, :2] / points[:, 2:], 2).tolist()
    quad: Quad = (tuple(xy[0]), tuple(xy[1]), tuple(xy[2]), tuple(xy[3]))
    return Line(line.text, quad, line.font)


def encode(image: Image, quality: int) -> bytes:
    """Encode as JPEG."""
    success, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not success:
        raise ValueError(f"OpenCV could not encode an image of shape {image.shape}")
    return bytes(encoded)


def _blur(image: Image, sigma: float) -> Image:
    if sigma < 0.2:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _warp(image: Image, back: NDArray[np.float32], size: tuple[int, int]) -> Image:
    """Look up each pixel of the result at its origin, given by the homography `back`.

    OpenCV's own warp rounds differently on different processors; its integer remapping gives the same page on all of
    them. Homographies count from the edge of the page, but pixels from their centres: hence the halves.
    """
    width, height = size
    result = np.empty((height, width), np.uint8)
    half = np.float32(0.5)
    x = np.arange(width, dtype=np.float32)[None, :] + half
    band = 64  # rows at a time, so that the maps stay in the cache
    for top in range(0, height, band):
        y = np.arange(top, min(height, top + band), dtype=np.float32)[:, None] + half
        depth = back[2, 0] * x + (back[2, 1] * y + back[2, 2])
        from_x = (back[0, 0] * x + (back[0, 1] * y + back[0, 2])) / depth - half
        from_y = (back[1, 0] * x + (back[1, 1] * y + back[1, 2])) / depth - half
        whole, parts = cv2.convertMaps(from_x, from_y, cv2.CV_16SC2)
        result[top : top + band] = cv2.remap(
            image, whole, parts, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255.0
        )
    return result


@cache
def _normal_quantiles() -> NDArray[np.float64]:
    """Return 256 equally likely values of the normal distribution, so that one random byte is one draw."""
    return np.array([NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256)])
