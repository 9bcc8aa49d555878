"""Data sets as image files: a folder or a zip archive of `train/<class>/*` and `test/<class>/*`.

An archive is read in memory: none of its member names is ever used as a path.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, normalize

import numpy as np

from netclaims.data.image_file import read_pixels
from netclaims.data.image_set import ImageSet, Split
from netclaims.data.places import outlives_stages
from netclaims.data.sources import Source
from netclaims.errors import DataError, shown
from netclaims.nets.layers import Shape
from netclaims.paths import file_size

LARGEST_FILE = 2**25  # bytes, unpacked: more than a photograph has
LONGEST_NAME = 300  # characters, folders included
MOST_TOPS = 10  # folders in one another around `train` and `test`
TOPS = ("train", "test")
# What systems leave in folders, besides hidden files: Windows, macOS, and storage that many share.
CLUTTER = {
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information",
    "__macosx", "icon\r", "@eadir", "@recycle", "#recycle", "#snapshot", "@tmp", "@recently-snapshot", "lost+found",
}  # fmt: skip
UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}  # categories of characters: no line of text can show them

Read = Callable[[str], bytes]


class File(NamedTuple):
    """An image file: its name as `train/<class>/<image>`, in Unicode's composed form (NFC), and what it is read by."""

    name: str
    own: str


Classes = dict[str, list[File]]


def read_images(source: Source, shape: Shape) -> ImageSet:
    """Read a folder or zip archive of images of the given shape (channels, height, width), or scaled to that.

    Classes are the names of the folders in `train`, sorted, and `test` has to have the same. Images are in the order of
    class and file name. Hidden files, and what else systems leave in folders, are left out. `train` and `test` may lie
    in a folder that is alone, as in an archive of it.

    Raises:
        DataError: there is no such folder or archive, it is laid out differently, or one of its files is not
            a sound image of that shape.
    """
    with _opened(source.place) as (path, names, read):
        train, test = _layout(path, names)
        splits = [_split(classes, read, path, shape, bool(source.resize)) for classes in (train, test)]
        return ImageSet(source.title, tuple(train), *splits, source.licence, citation="")


# ---------------------------------------------------------------------------------------- folders and archives


def list_images(path: Path) -> tuple[Classes, Classes]:
    """List the images of a folder or zip archive by class, for training and test.

    Raises:
        DataError: there is no such folder or archive, or it is laid out differently.
    """
    with _opened(path) as (path, names, _):
        return _layout(path, names)


def digest_images(path: Path) -> str:
    """Return a SHA-256 digest of the names and contents of all images of a folder or zip archive.

    Raises:
        DataError: as `list_images`; or an image cannot be read.
    """
    digest = hashlib.sha256()
    with _opened(path) as (path, names, read):
        for file in (file for classes in _layout(path, names) for files in classes.values() for file in files):
            digest.update(f"{file.name}\0{hashlib.sha256(read(file.own)).hexdigest()}\n".encode())
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Path, list[str], Read]]:
    """Yield the place, the names inside, folders with a slash at the end, and a function that reads a file."""
    try:
        folder = path.is_dir()
        if folder:
            path = _around_train(path)
            inside = [found for top in TOPS for depth in ("*", "*/*") for found in path.glob(f"{top}/{depth}")]
            names = [f"{found.relative_to(path).as_posix()}{'/' * found.is_dir()}" for found in inside]
        else:
            file_size(path)
            archive = zipfile.ZipFile(path)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such folder or zip archive") from None
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: neither a folder nor a readable zip archive: {reason}") from None
    if folder:
        yield path, names, partial(_read_file, path)
        return
    with archive:
        members = {_member_name(member): member for member in archive.infolist()}
        yield path, list(members), partial(_read_member, archive, path, members)


def _around_train(path: Path) -> Path:
    """Return the folder that `train` and `test` are in: this one, or one that lies alone in it."""
    around = path
    for _ in range(MOST_TOPS):
        inside = [found for found in around.iterdir() if not _clutter(found.name) and found.is_dir()]
        if len(inside) != 1 or inside[0].name in TOPS:
            break
        around = inside[0]
    if not any((around / top).is_dir() for top in TOPS):
        return path
    try:
        outlives_stages(around)
    except ValueError as error:
        raise DataError(f"{around}: expected {error}") from None
    return around


def _member_name(member: zipfile.ZipInfo) -> str:
    """Return the name of a member of an archive; some programs write backslashes, or UTF-8 without saying so."""
    name = member.filename
    if not member.flag_bits & 0x800:  # zipfile has taken it for code page 437
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename
    return name.replace("\\", "/")


def _read_file(path: Path, name: str) -> bytes:
    try:
        file_size(path / name)
        with (path / name).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise DataError(f"{path / name}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise DataError(f"{path / name}: larger than {LARGEST_FILE:,} bytes, expected an image")
    return content


def _read_member(archive: zipfile.ZipFile, path: Path, members: dict[str, zipfile.ZipInfo], name: str) -> bytes:
    member = members[name]
    if member.file_size > LARGEST_FILE:  # zipfile reads no more than the size that the archive states
        raise DataError(f"{path}/{name}: larger than {LARGEST_FILE:,} bytes, expected an image")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Other compressions make zipfile unpack whole blocks, however large.
        raise DataError(f"{path}/{name}: unusual compression, expected a member stored or deflated")
    try:
        return archive.read(member)
    except (OSError, RuntimeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}/{name}: cannot be unpacked: {error}") from None


def _layout(path: Path, names: Iterable[str]) -> tuple[Classes, Classes]:
    """Return the files by class, for training and test, everything sorted."""
    tree: dict[str, dict[str, dict[str, str]]] = {top: {} for top in TOPS}
    for (top, *rest), own in sorted(_within_lone_tops(names)):
        if top not in tree or rest == [""]:
            continue
        name = "/".join((top, *rest))
        if any(category(character) in UNREADABLE for character in name) or len(name) > LONGEST_NAME:
            rule = f"expected at most {LONGEST_NAME} characters in one line"
            raise DataError(f"{path}: the name {shown(name)}, {rule}")
        if len(rest) != 2 or not rest[0]:
            raise DataError(f"{path}/{name}: not expected there, only {top}/<class>/<image> is")
        files = tree[top].setdefault(rest[0], {})
        if rest[1] and files.setdefault(name, own) != own:
            raise DataError(f"{path}/{name}: there are two files of that name, expected one")
    train, test = tree.values()
    for top, classes in tree.items():
        if not classes:
            raise DataError(f"{path}: no folder {top}, expected train/<class>/* and test/<class>/*")
    for top, classes, others in (("train", train, test), ("test", test, train)):
        for name in others:
            if not classes.get(name):
                raise DataError(f"{path}: no images in {top}/{name}, expected the same classes in train and test")
    return _sorted(train), _sorted(test)


def _within_lone_tops(names: Iterable[str]) -> list[tuple[tuple[str, ...], str]]:
    """Return the parts of names in composed form, without clutter and lone folders on top, and the names themselves."""
    found = []
    for name in set(names):
        parts = tuple(part for part in normalize("NFC", name).split("/") if part != ".")
        if parts and parts[0] and not any(map(_clutter, parts)):
            found.append((parts, name))
    for _ in range(MOST_TOPS):
        tops = {parts[0] for parts, _ in found if len(parts) > 1}
        if len(tops) != 1 or not tops.isdisjoint(TOPS):
            break
        found = [(parts[1:], name) for parts, name in found if len(parts) > 1 and parts[1]]
    return found


def _clutter(part: str) -> bool:
    """Return whether a file or folder is hidden, or one that a system has left there."""
    return part.startswith(".") or part.lower() in CLUTTER


def _sorted(classes: dict[str, dict[str, str]]) -> Classes:
    return {name: [File(*file) for file in sorted(classes[name].items())] for name in sorted(classes)}


# ------------------------------------------------------------------------------------------------------ images


def _split(classes: Classes, read: Read, path: Path, shape: Shape, resize: bool) -> Split:
    found = [file for files in classes.values() for file in files]
    images = np.empty((len(found), *shape), np.uint8)
    for image, file in zip(images, found, strict=True):
        image[:] = read_pixels(read(file.own), f"{path}/{file.name}", shape, resize)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(files) for files in classes.values()])
    return Split(images, labels)
