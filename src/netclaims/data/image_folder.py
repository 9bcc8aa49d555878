"""Data sets as image files: a folder or a zip archive of `train/<class>/*` and `test/<class>/*`.

An archive is read in memory: none of its member names is ever used as a path.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from netclaims.data.image_set import ImageSet, Split
from netclaims.data.sources import Source
from netclaims.errors import DataError, shown
from netclaims.nets.layers import Shape
from netclaims.paths import file_size

LARGEST_FILE = 2**20  # bytes, unpacked; images of a few thousand pixels need far less
LONGEST_NAME = 300  # characters, folders included
FORMATS = ("PNG", "JPEG", "BMP", "PPM")  # Pillow has decoders that start other programs, such as EPS
# By number of channels: the mode that an image is turned into, and the modes that lose nothing by it.
MODES = {1: ("L", {"L"}), 3: ("RGB", {"RGB", "L"})}

Read = Callable[[str], bytes]


def read_images(source: Source, shape: Shape) -> ImageSet:
    """Read a folder or zip archive of images, which all have to have the given shape (channels, height, width).

    Classes are the names of the folders in `train`, sorted, and `test` has to have the same. Images are in the
    order of class and file name. Hidden files and `__MACOSX` are left out.

    Raises:
        DataError: there is no such folder or archive, it is laid out differently, or one of its files is not
            a sound image of that shape.
    """
    path = Path(source.path)
    with _opened(path) as (names, read):
        train, test = _layout(path, names)
        return ImageSet(
            title=source.title,
            classes=tuple(train),
            train=_split(train, read, path, shape),
            test=_split(test, read, path, shape),
            licence=source.licence,
            citation="",
        )


# ---------------------------------------------------------------------------------------- folders and archives


def list_images(path: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """List the names of the images of a folder or zip archive by class, for training and test.

    Raises:
        DataError: there is no such folder or archive, or it is laid out differently.
    """
    with _opened(path) as (names, _):
        return _layout(path, names)


def digest_images(path: Path) -> str:
    """Return a SHA-256 digest of the names and contents of all images of a folder or zip archive.

    Raises:
        DataError: as `list_images`; or an image cannot be read.
    """
    digest = hashlib.sha256()
    with _opened(path) as (names, read):
        for name in (name for classes in _layout(path, names) for files in classes.values() for name in files):
            digest.update(f"{name}\0{hashlib.sha256(read(name)).hexdigest()}\n".encode())
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], Read]]:
    """Yield the names of everything inside, folders with a slash at the end, and a function that reads a file."""
    try:
        folder = path.is_dir()
        if not folder:
            file_size(path)
            archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such folder or zip archive") from None
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: neither a folder nor a readable zip archive: {reason}") from None
    if folder:
        inside = [found for depth in ("*/*", "*/*/*") for found in path.glob(depth)]
        names = [f"{found.relative_to(path).as_posix()}{'/' * found.is_dir()}" for found in inside]
        yield names, partial(_read_file, path)
        return
    with archive:
        yield archive.namelist(), partial(_read_member, archive, path)


def _read_file(path: Path, name: str) -> bytes:
    try:
        file_size(path / name)
        with (path / name).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"{path / name}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise DataError(f"{path / name}: larger than {LARGEST_FILE:,} bytes, expected a small image")
    return content


def _read_member(archive: zipfile.ZipFile, path: Path, name: str) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > LARGEST_FILE:  # zipfile reads no more than the size that the archive states
        raise DataError(f"{path}/{name}: larger than {LARGEST_FILE:,} bytes, expected a small image")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Other compressions make zipfile unpack whole blocks, however large.
        raise DataError(f"{path}/{name}: unusual compression, expected a member stored or deflated")
    try:
        return archive.read(member)
    except (OSError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}/{name}: cannot be unpacked: {error}") from None


def _layout(path: Path, names: Iterable[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return file names by class, for training and test, everything sorted."""
    tree: dict[str, dict[str, list[str]]] = {"train": {}, "test": {}}
    for name in sorted(set(names)):
        top, *rest = name.split("/")
        if top not in tree or rest == [""] or any(part.startswith((".", "__MACOSX")) for part in rest):
            continue
        if not name.isprintable() or len(name) > LONGEST_NAME:
            rule = f"expected at most {LONGEST_NAME} printable characters"
            raise DataError(f"{path}: the name {shown(name)}, {rule}")
        if len(rest) != 2 or not rest[0]:
            raise DataError(f"{path}/{name}: not expected there, only {top}/<class>/<image> is")
        files = tree[top].setdefault(rest[0], [])
        if rest[1]:
            files.append(name)
    train, test = tree.values()
    for top, classes in tree.items():
        if not classes:
            raise DataError(f"{path}: no folder {top}, expected train/<class>/* and test/<class>/*")
    for top, classes, others in (("train", train, test), ("test", test, train)):
        for name in others:
            if not classes.get(name):
                raise DataError(f"{path}: no images in {top}/{name}, expected the same classes in train and test")
    return dict(sorted(train.items())), dict(sorted(test.items()))


# ------------------------------------------------------------------------------------------------------ images


def _split(classes: dict[str, list[str]], read: Read, path: Path, shape: Shape) -> Split:
    names = [name for files in classes.values() for name in files]
    images = np.empty((len(names), *shape), np.uint8)
    for image, name in zip(images, names, strict=True):
        image[:] = _decode(read(name), f"{path}/{name}", shape)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(files) for files in classes.values()])
    return Split(images, labels)


def _decode(content: bytes, where: str, shape: Shape) -> NDArray[np.uint8]:
    """Return the pixels of an image file, of the given shape (channels, height, width)."""
    channels, height, width = shape
    wanted, lossless = MODES[channels]
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            mode, size = image.mode, image.size
            fits = mode in lossless and size == (width, height)  # the header says so: nothing is decoded yet
            pixels = np.asarray(image.convert(wanted)) if fits else None
    except UnidentifiedImageError:
        raise DataError(f"{where}: not an image, expected one of {', '.join(FORMATS)}") from None
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise DataError(f"{where}: damaged image: {' '.join(str(error).split())}") from None
    if pixels is None:
        found = f"{mode} image of {size[0]} x {size[1]} pixels"
        raise DataError(f"{where}: {found}, expected {wanted} of {width} x {height}")
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
