"""Images of pages, of any depth and colour, upright and in grey."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.pixels import grey_on_white
from subnets.errors import PluginError

from .document import refuse_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return the pixels of an image as a person sees them, (height, width).

    Raises:
        PluginError: broken or too large; with the file's name.
    """
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            refuse_size(path, *image.size)
            image.load()
            upright = ImageOps.exif_transpose(image) or image
            return np.array(grey_on_white(upright), dtype=np.uint8)
    except PluginError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PluginError(f"documents: {path}: the image is far too large: {error}") from None
    except Exception as error:  # a foreign file may fail in any way inside a decoder
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PluginError(f"documents: {path}: the image can't be read: {reason}") from error
