"""Files that their publishers give a digest of: read after a comparison with that, and fetched where they are missing.

Nothing of a file is parsed before it is known to be the published one.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netclaims.data.image_set import Split
from netclaims.errors import DataError
from netclaims.paths import file_size

SECONDS = 60  # without an answer, after which the next address is tried


@dataclass(frozen=True)
class PublishedFile:
    """A file as it is published.

    Attributes:
        size: in bytes.
        sha256: digest of its content.
        urls: where it can be fetched, in the order in which that is tried.
    """

    size: int
    sha256: str
    urls: tuple[str, ...] = ()


Choices = dict[Path, PublishedFile]  # files that hold the same, such as one and its compressed form


def read_published(choices: Choices, download: bool) -> tuple[Path, bytes]:
    """Read the first that is there of files that hold the same; fetch the last if none is, or only part of one.

    What was fetched is compared with its digest and then put in place at one stroke. Nothing else that lies there is
    written over: only the beginning of the same file, as an interrupted download leaves it.

    Args:
        choices: the files.
        download: whether to fetch one.

    Returns:
        The path of the file that was read or fetched, and its content.

    Raises:
        DataError: there is none and none is to be fetched, or can be; or one is another file than the published one.
    """
    parts: dict[Path, bytes] = {}
    for path, published in choices.items():
        content = _content(path, published)
        if content is None:
            continue
        if _sha256(content) == published.sha256:
            return path, content
        parts[path] = content
        if not _may_be_part(content, published):
            raise _not_published(path, content, published)
    path, published = next(reversed(choices.items()))
    if not download:
        if parts:
            path, content = next(iter(parts.items()))
            raise _not_published(path, content, choices[path])
        raise DataError(f"{next(iter(choices))}: no such file; put it there, or set download: true")
    content = _fetched(path, published)
    if not content.startswith(parts.get(path, b"")):
        raise _not_published(path, parts[path], published)
    _put(path, content)
    return path, content


def other_files(choices: Choices, download: bool) -> list[Path]:
    """Return which of files that hold the same are not the published ones, so that to read them fails.

    Args:
        choices: the files.
        download: whether one would be fetched in place of part of one.
    """
    others = []
    for path, published in choices.items():
        try:
            content = _content(path, published)
        except DataError:  # reading says why
            return [path]
        if content is None:
            continue
        if _sha256(content) == published.sha256:
            return []
        if not _may_be_part(content, published):
            return [path]
        if not download:
            others.append(path)
    return others


def labelled(images: NDArray[np.uint8], labels: NDArray[np.uint8], classes: int, where: Path) -> Split:
    """Return images with their labels.

    Args:
        images: (n, channels, height, width).
        labels: (n,).
        classes: how many there are.
        where: the file that the labels are from.

    Raises:
        DataError: there are more labels than images, or fewer, or one that stands for no class.
    """
    if len(images) != len(labels):
        raise DataError(f"{where}: {len(labels):,} labels, expected one for each of {len(images):,} images")
    if labels.max(initial=0) >= classes:
        raise DataError(f"{where}: a label {labels.max()}, expected 0 to {classes - 1}")
    return Split(images, labels.astype(np.int64))


def _content(path: Path, published: PublishedFile) -> bytes | None:
    """Read a file; None if it is not there."""
    try:
        if (size := file_size(path)) > published.size:
            raise DataError(f"{path}: not the published file: {size:,} bytes, expected {published.size:,}")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _may_be_part(content: bytes, published: PublishedFile) -> bool:
    """Return whether a file may be what an interrupted download has left."""
    return len(content) < published.size


def _not_published(path: Path, content: bytes, published: PublishedFile) -> DataError:
    if _may_be_part(content, published):
        found = f"{len(content):,} bytes, expected {published.size:,}"
    else:
        found = f"SHA-256 {_sha256(content)}, expected {published.sha256}"
    return DataError(f"{path}: not the published file: {found}")


def _fetched(path: Path, published: PublishedFile) -> bytes:
    from urllib.request import Request, urlopen  # where it is needed: few ever fetch anything

    faults = []
    for url in published.urls:
        try:
            request = Request(url, headers={"User-Agent": "netclaims"})  # noqa: S310 (addresses in our code)
            with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 (as above)
                content = answer.read(published.size + 1)
        except (OSError, HTTPException) as error:
            faults.append(f"{url}: {' '.join(str(error).split())}")
            continue
        if _sha256(content) == published.sha256:
            return content
        faults.append(f"{url}: gives another file than the published one")
    raise DataError(f"{path}: download failed: {'; '.join(faults)}")


def _put(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror}") from None
