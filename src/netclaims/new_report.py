"""Begin a report: `python -m netclaims.new_report f`, which `make report-new NAME=f` calls."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import yaml

from netclaims.errors import SettingsError, shown
from netclaims.paths import REPORTS
from netclaims.settings.reports import LISTS, NAME, PIPELINE, RULE

TEMPLATE = Path(__file__).with_name("new_report.yaml")  # every NAME in it stands for that of the report


def begin(name: str) -> Path:
    """Write `reports/<name>.yaml` with one experiment, figure and claim, and list it in `dvc.yaml`.

    Both are there, or neither.

    Raises:
        SettingsError: the name is taken, or no name of a report; or `dvc.yaml` has no lists of reports.
        OSError: a file cannot be read or written.
    """
    if not NAME.fullmatch(name):
        raise SettingsError(f"no name of a report: {shown(name)}; expected {RULE}")
    if not name[0].isalpha() or yaml.safe_load(name) != name:
        raise SettingsError(f"no name of a report: {shown(name)}; YAML reads it as something else than a word")
    path = REPORTS / f"{name}.yaml"
    for other in REPORTS.glob("*.yaml"):
        if other.stem.lower() == name.lower():  # folders of the one are those of the other on some systems
            raise SettingsError(f"{other}: there is a report of this name")
    texts = {path: TEMPLATE.read_text(encoding="utf-8").replace("NAME", name), PIPELINE: listing(name)}
    new = {place: place.with_name(f".{place.name}.new") for place in texts}
    try:
        for place, text in texts.items():
            new[place].write_bytes(text.encode())
        shutil.copymode(PIPELINE, new[PIPELINE])
        for place in texts:
            os.replace(new[place], place)  # noqa: PTH105 (as Path.replace)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        for left in new.values():
            left.unlink(missing_ok=True)
    return path


def listing(name: str) -> str:
    """Return `dvc.yaml` with a report in all lists of reports, and otherwise to the letter as it is.

    Raises:
        SettingsError: it lists the report already, or has no such list.
    """
    text = PIPELINE.read_bytes().decode()
    try:
        content = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SettingsError(f"{PIPELINE}: {' '.join(str(error).split())}") from None
    added = {}
    for place, entry in {"vars": "reports/{}.yaml", **LISTS}.items():
        node = content
        for key in place.split("."):
            inner = node.value if isinstance(node, yaml.MappingNode) else []
            node = next((value for name, value in inner if name.value == key), None)
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise SettingsError(f"{PIPELINE}: {place}: expected a list of reports")
        mine = entry.format(name)
        if mine in [item.value for item in node.value]:
            raise SettingsError(f"{PIPELINE}: {place}: {mine} is listed already")
        last = node.value[-1]
        added[last.end_mark.index] = f", {mine}" if node.flow_style else f"\n{' ' * node.start_mark.column}- {mine}"
    for index in sorted(added, reverse=True):
        text = text[:index] + added[index] + text[index:]
    return text


def main(words: list[str]) -> None:
    """Begin the report that the one word names, and say what to do next; or say in one line why not."""
    try:
        path = begin(" ".join(words))
    except SettingsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    print(f"{path}: one experiment, figure and claim to go on from, listed in {PIPELINE}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
