"""One image file as pixels: nothing of it is lost unless the entry of its data set asks for another size."""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from netclaims.errors import DataError
from netclaims.nets.layers import Shape

MOST_PIXELS = 50_000_000  # of an image to resize: those of a large camera
FORMATS = ("PNG", "JPEG", "BMP", "PPM")  # Pillow has decoders that start other programs, such as EPS
# Pillow's names of images that have 8 bits a channel at the most, and can be written as red, green, blue and opacity.
EXACT = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}
# How an image is turned to stand upright, by the orientation that a camera left in its EXIF data.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_pixels(content: bytes, where: str, shape: Shape, resize: bool) -> NDArray[np.uint8]:
    """Return the pixels of an image file, upright.

    Colours may be stored in any way that has 8 bits a channel: black and white, grey, a palette, or red, green and
    blue, which have to be equal where grey is needed. Another size is scaled by Pillow's bilinear filter. Its triangle
    is as much wider as the image gets smaller, so that every pixel counts, and fine patterns are averaged rather than
    sampled (no aliasing): `torchvision.transforms.Resize` does the same. Height and width are scaled each by itself.

    Args:
        content: of the file.
        where: its place, which an error names.
        shape: (channels, height, width) to return, of one channel or three.
        resize: whether an image of another size is scaled, or refused.

    Raises:
        DataError: it is no such image, is damaged, or would lose something.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            fault = _fault(image, shape, resize)  # the header says so: nothing is decoded yet
            pixels = None if fault else np.asarray(_upright(image.convert("RGBA"), image))
    except UnidentifiedImageError:
        raise DataError(f"{where}: not an image in one of the formats {', '.join(FORMATS)}") from None
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise DataError(f"{where}: damaged image: {' '.join(str(error).split())}") from None
    if pixels is not None:
        fault = _loss(pixels, shape, resize)
    if fault:
        raise DataError(f"{where}: {fault}")
    return _scaled(pixels, shape)


def _fault(image: Image.Image, shape: Shape, resize: bool) -> str | None:
    """Return what is wrong with an image by its header."""
    _, height, width = shape
    if image.mode == "CMYK":
        return "a CMYK image, expected red, green and blue"
    # Pillow leaves out the lower half of 16 bits a channel, and says so where it says how it unpacks the file.
    unpacked = image.tile[0][3] if image.tile else None
    largest = unpacked[-1] if image.format == "PPM" and isinstance(unpacked, tuple) else 0
    if image.mode not in EXACT or ";16B" in str(unpacked) or (isinstance(largest, int) and largest > 255):
        return "more than 8 bits a channel, expected 8"
    if resize and image.width * image.height > MOST_PIXELS:
        return f"{image.width} x {image.height} pixels, expected {MOST_PIXELS:,} at the most"
    if not resize and image.size not in ((width, height), (height, width)):  # it may have to be turned
        return _other_size(image.width, image.height, shape)
    return None


def _loss(pixels: NDArray[np.uint8], shape: Shape, resize: bool) -> str | None:
    """Return what would be lost of an image: its pixels are (height, width, red, green, blue and opacity)."""
    channels, *size = shape
    found = pixels.shape[:2]
    if not resize and found != tuple(size):
        return _other_size(found[1], found[0], shape)
    if (pixels[..., 3] < 255).any():
        return "transparent in places, expected an opaque image"
    if channels == 1 and (pixels[..., :1] != pixels[..., 1:3]).any():
        return "a colour image, expected a grey one"
    return None


def _other_size(width: int, height: int, shape: Shape) -> str:
    expected = f"expected {shape[2]} x {shape[1]}"
    return f"{width} x {height} pixels, {expected}; with `resize: true` beside its path it is scaled"


def _upright(picture: Image.Image, image: Image.Image) -> Image.Image:
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    return picture if turn is None else picture.transpose(turn)


def _scaled(pixels: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    channels, height, width = shape
    pixels = pixels[..., :channels]
    if pixels.shape[:2] != (height, width):
        picture = Image.fromarray(np.ascontiguousarray(pixels if channels == 3 else pixels[..., 0]))
        pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
