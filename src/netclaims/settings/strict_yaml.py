"""Reading YAML strictly: every mistake becomes one line that says what, where and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from netclaims.errors import SettingsError
from netclaims.paths import file_size

LARGEST_FILE = 10_000_000  # bytes; a report file has 50,000
DEEPEST = 20  # so many blocks may lie in one another


def read_yaml(path: Path) -> dict[str, Any]:
    """Read the mapping in a YAML file: mappings with text for keys, lists, texts, numbers, true, false and null.

    Words and numbers are told apart by YAML 1.2, as DVC does, where PyYAML goes by YAML 1.1: `1e-3` is a number, `no` a
    word, `12:30` and `017` are in no other base. What settings have no use for is refused, and with it all that makes
    a short file large: anchors, tags, blocks in one another without end.

    Raises:
        SettingsError: the file cannot be read, is not YAML of that kind, or holds something else than a mapping.
    """
    text = _text(path)
    try:
        content = _document(yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), path)
    except yaml.YAMLError:
        try:  # the parser in C, which takes a sixth of the time, words faults badly
            content = _document(yaml.parse(text, yaml.SafeLoader), path)
        except yaml.YAMLError as error:
            _refuse(path, getattr(error, "problem_mark", None), getattr(error, "problem", None) or "not YAML")
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected a mapping, found {type(content).__name__}")
    return content


def _text(path: Path) -> str:
    try:
        if (size := file_size(path)) > LARGEST_FILE:
            raise SettingsError(f"{path}: {size:,} bytes, expected {LARGEST_FILE:,} at the most")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None


def _refuse(path: Path, mark: yaml.Mark | None, what: str) -> NoReturn:
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    raise SettingsError(f"{path}{place}: {what}")


def _document(events: Iterator[yaml.Event], path: Path) -> Any:
    """Return what a stream of parsed YAML holds, None if nothing."""
    next(events)  # the stream starts
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    content = _node(next(events), events, path)
    next(events)  # the document ends
    if isinstance(event := next(events), yaml.DocumentStartEvent):
        _refuse(path, event.start_mark, "a second document, expected one")
    return content


def _node(event: yaml.Event, events: Iterator[yaml.Event], path: Path, depth: int = 0) -> Any:
    if event.anchor is not None:  # an alias has one too: it repeats what is anchored
        _refuse(path, event.start_mark, f"anchor or alias {event.anchor!r}, expected the value itself")
    if event.tag is not None:
        _refuse(path, event.start_mark, f"tag {event.tag!r}, expected a plain value")
    if depth > DEEPEST:
        _refuse(path, event.start_mark, f"more than {DEEPEST} blocks in one another")
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, path, depth + 1))
        return items
    if isinstance(event, yaml.MappingStartEvent):
        mapping = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = _node(event, events, path, depth + 1)
            if not isinstance(key, str) or not key.isprintable():
                _refuse(path, event.start_mark, "a key that is not printable text")
            if key in mapping:
                _refuse(path, event.start_mark, f"key {key!r} twice")
            mapping[key] = _node(next(events), events, path, depth + 1)
        return mapping
    return _scalar(event, path)


# The core schema of YAML 1.2.2, section 10.3.2, but for integers in another base.
WORDS = dict.fromkeys(["", "~", "null", "Null", "NULL"])
WORDS |= dict.fromkeys(["true", "True", "TRUE"], True) | dict.fromkeys(["false", "False", "FALSE"], False)
INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# No text has a use for them, and a page or a picture with one in it cannot be read.
CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def _scalar(event: yaml.ScalarEvent, path: Path) -> str | float | bool | None:
    text = event.value
    if CONTROL.search(text):
        _refuse(path, event.start_mark, "a control character")
    if event.style:  # it is quoted, or a block
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(re.sub(r"\.(?=[in])", "", text.lower())) if FLOAT.fullmatch(text) else text
