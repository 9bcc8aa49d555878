"""What settings blocks share: strict types, and faults told in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from netclaims.errors import SettingsError, shown


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


Block = TypeVar("Block", bound=Settings)


def validate(block: type[Block], content: Any, path: Path, where: str = "") -> Block:
    """Check settings as a file has them.

    Args:
        block: what they have to be.
        content: what was read.
        path: the file.
        where: the dotted key in it, if it is not the whole file.

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
    """Return the dotted key of a fault, and what is allowed there."""
    keys, value = [where] if where else [], content
    for depth, key in enumerate(fault["loc"], start=1):  # it also names union members; only what the file holds is kept
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
