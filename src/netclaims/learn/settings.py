"""Reading YAML settings strictly: every mistake becomes one line that says what, where and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from netclaims.learn.paths import file_size

LARGEST_FILE = 10_000_000  # bytes: a report file has 50,000
DEEPEST = 20  # blocks in one another
LONGEST_FOUND = 200  # characters of a wrong value that a message repeats


class SettingsError(ValueError):
    """One or more faults in a settings file, one line each."""


class Settings(BaseModel):
    """Base of every settings block: immutable, strictly typed, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _one_line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("one line of text")
    return text


Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Replicas = Annotated[int, Field(ge=1, le=1000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Line = Annotated[str, AfterValidator(_one_line)]
# What an entry is called is part of file names, and of the command that DVC gives to a shell.
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file: mappings with text for keys, lists, texts, numbers, true, false and null.

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
    """What a stream of parsed YAML holds, None if nothing."""
    next(events)  # the stream starts
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    content = _node(next(events), events, path)
    next(events)  # the document ends
    if isinstance(event := next(events), yaml.DocumentStartEvent):
        _refuse(path, event.start_mark, "a second document, expected one")
    return content


def _node(event: yaml.Event, events: Iterator[yaml.Event], path: Path, depth: int = 0) -> Any:
    if event.anchor is not None:  # or an alias, which repeats what has one
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
    if event.style:  # quoted, or a block
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(re.sub(r"\.(?=[in])", "", text.lower())) if FLOAT.fullmatch(text) else text


Block = TypeVar("Block", bound=Settings)


def validate(block: type[Block], content: Any, path: Path, where: str = "") -> Block:
    """Check `content`, found in file `path` under the dotted key `where`, against the settings `block`.

    Raises:
        SettingsError: one line per fault: file, key path, what is allowed, and the value found.
    """
    try:
        return block.model_validate(content)
    except ValidationError as error:
        faults: dict[str, list[str]] = {}  # a value that fits no member of a union is one fault, not several
        for fault in error.errors(include_url=False):
            place, message = _fault(fault, where, content)
            faults.setdefault(place, []).append(message)
        lines = [f"{path}: {place}: {', or '.join(messages)}" for place, messages in faults.items()]
        raise SettingsError("\n".join(lines)) from None


def shown(value: Any) -> str:
    """A wrong value as messages repeat it: the beginning of a long one."""
    text = repr(value)
    return f"{text[:LONGEST_FOUND]}…" if len(text) > LONGEST_FOUND else text


def _fault(fault: Any, where: str, content: Any) -> tuple[str, str]:
    """A fault as its dotted key path and what is allowed there."""
    keys, value = [where] if where else [], content
    for depth, key in enumerate(fault["loc"], start=1):  # it also names union members: keep what the file holds
        lacking = fault["type"] == "missing" and depth == len(fault["loc"])
        if isinstance(value, list) and isinstance(key, int):
            value = value[key]
        elif isinstance(value, dict) and (key in value or lacking):
            value = value.get(key)
        else:
            continue
        keys.append(str(key))
    message = fault["msg"].removeprefix("Value error, ")
    match fault["type"]:
        case "missing":
            message = "required, and not there"
        case "extra_forbidden":
            message = "unknown key"
        case "value_error" if isinstance(fault["input"], dict):  # checks across keys name theirs: `key: what`
            key, _, message = message.partition(": ")
            keys.append(key)
        case _:
            message = f"{message[0].lower()}{message[1:]} (found {shown(fault['input'])})"
    return ".".join(keys), message
