"""Reading YAML settings strictly: every mistake becomes one line that says what, where and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class SettingsError(ValueError):
    """One or more faults in a settings file, one line each."""


class Settings(BaseModel):
    """Base of every settings block: immutable, strictly typed, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _number(value: Any) -> Any:
    """Accept `1e-3`, which YAML 1.1 reads as a string."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return float(value)
    return value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class _KeysOnce:
    """Refuses a key given twice, where plain YAML keeps the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):  # what is not, the method below refuses
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice", key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)


class _Loader(_KeysOnce, yaml.SafeLoader):
    """Safe YAML, whose parser words faults well."""


class _FastLoader(_KeysOnce, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Safe YAML with a parser in C, where PyYAML has it: in a sixth of the time."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        SettingsError: the file is missing, is not YAML, or holds something else than a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        try:
            content = yaml.load(text, _FastLoader)  # noqa: S506 (a SafeLoader)
        except yaml.YAMLError:
            content = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise SettingsError(f"{path}{place}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    except ValueError as error:  # a date that does not exist
        raise SettingsError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected a mapping, found {type(content).__name__}")
    return content


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
            message = f"{message[0].lower()}{message[1:]} (found {fault['input']!r})"
    return ".".join(keys), message
