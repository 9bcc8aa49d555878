"""docs/licences.md: every package that requirements.txt pins, with the licence in its metadata, and the data."""

import re
from email.message import Message
from importlib import metadata, resources
from pathlib import Path

import pytest

from netclaims.data.mnist_m import MNIST_LICENCE
from netclaims.licences import licence, needed, pinned

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
PINS = pinned((ROOT / "requirements.txt").read_text(encoding="utf-8"))
LOCK = """\
a==1 ; python_full_version < '3.12'
    # via netclaims (pyproject.toml)
a==2 ; python_full_version >= '3.12'
    # via netclaims (pyproject.toml)
b-c==3
    # via
    #   a
    #   netclaims (pyproject.toml)
d==4
    # via b-c
e==5
    # via f
f==6
    # via netclaims (pyproject.toml)
"""


def test_a_lock_file_says_what_is_needed_and_by_what():
    pins = pinned(LOCK)
    assert pins == {
        "a": (["1", "2"], {"netclaims"}),
        "b-c": (["3"], {"a", "netclaims"}),
        "d": (["4"], {"b-c"}),
        "e": (["5"], {"f"}),
        "f": (["6"], {"netclaims"}),
    }
    assert needed(pins, ["a[more]>=1,<3"]) == {"a", "b-c", "d"}
    assert needed(pins, ["B.c>=1", "f"]) == {"b-c", "d", "e", "f"}


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ([("License-Expression", "MIT"), ("License", "BSD")], "MIT"),
        ([("License", "BSD"), ("Classifier", "License :: OSI Approved :: BSD License")], "BSD"),
        (
            [("License", "Copyright\nand on"), ("Classifier", "License :: OSI Approved :: BSD License")],
            "BSD License",
        ),
        ([("License", "Dual"), ("Classifier", "License :: A"), ("Classifier", "License :: B")], "A, B"),
        ([("Classifier", "Programming Language :: Python")], "not stated"),
    ],
)
def test_a_licence_is_read_from_the_field_that_states_it(fields, stated):
    about = Message()
    for name, value in fields:
        about[name] = value
    assert licence(about) == stated


def test_every_pinned_package_stands_there_once_with_its_version_and_no_other():
    """Else: `make licences`, once what requirements.txt pins is installed."""
    rows = re.findall(r"^\| (?!package )([a-z0-9-]+) \| ([^|]+) \| .+ \| [^|]+ \|$", PAGE, flags=re.MULTILINE)
    assert sorted(rows) == [(name, ", ".join(pin.versions)) for name, pin in sorted(PINS.items())]


def test_licences_are_those_that_installed_packages_state():
    for name, pin in PINS.items():
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another system
            continue
        if pin.versions == [package.version]:
            stated = licence(package.metadata).replace("|", r"\|")
            assert f"| {name} | {package.version} | {stated} | " in PAGE


def test_data_stand_there_with_their_licence_and_their_authors():
    licence_of_mnist, _, holders = MNIST_LICENCE.partition("; ")
    assert licence_of_mnist in PAGE
    assert holders in PAGE
    photographers = re.findall(
        r"https://www\.flickr\.com/photos/\w+/$",
        (resources.files("sklearn.datasets.images") / "README.txt").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert len(photographers) == 2
    assert all(f"]({address}) | CC BY 2.0" in PAGE for address in photographers)
