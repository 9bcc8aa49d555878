"""Reading YAML strictly."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from netclaims.errors import SettingsError
from netclaims.settings.schema import Count, Name, Number, Settings, validate
from netclaims.settings.strict_yaml import read_yaml

PATH = Path("settings.yaml")


class Inner(Settings):
    size: Count
    share: Number = 0.5


class Outer(Settings):
    name: Name
    inner: Inner
    many: list[Inner] | None = None
    either: Count | Inner = 1


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fails(text: str | bytes) -> str:
    """The message with which reading the text fails, which has to be one line."""
    PATH.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsError) as error:
        read_yaml(PATH)
    assert "\n" not in str(error.value)
    return str(error.value)


# ------------------------------------------------------------------------------------------------------------ YAML


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_mapping(mark):
    PATH.write_text(f"{mark}a: {{b: [1, 2.5]}}\nc: é\n", encoding="utf-8")
    assert read_yaml(PATH) == {"a": {"b": [1, 2.5]}, "c": "é"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "settings.yaml:3:1: key 'a' twice"),
        ("a:\n  b: 1\n  b: 1\n", "settings.yaml:3:3: key 'b' twice"),
        ("a: {b: 1, c: 2, b: 1}", "settings.yaml:1:17: key 'b' twice"),
        ("a: [{b: 1, b: 1}]", "settings.yaml:1:12: key 'b' twice"),
        ("1: a\n1: b\n", "settings.yaml:1:1: a key that is not printable text"),
        ("a: [1", "settings.yaml:1:6: expected ',' or ']', but got '<stream end>'"),
        ("a: b: c", "settings.yaml:1:5: mapping values are not allowed here"),
        ("a:\n\tb: 1", "settings.yaml:2:1: found character '\\t' that cannot start any token"),
        ("{{a: 1}: 2}", "settings.yaml:1:2: a key that is not printable text"),
        ("? [a]\n: 2", "settings.yaml:1:3: a key that is not printable text"),
        ("a: *b", "settings.yaml:1:4: anchor or alias 'b', expected the value itself"),
        (
            "a: !!python/object:os.x 1",
            "settings.yaml:1:4: tag 'tag:yaml.org,2002:python/object:os.x', expected a plain value",
        ),
        ('a: "\x01"', "settings.yaml: not YAML"),
        (b"a: \xff", "settings.yaml: not UTF-8 text"),
        ("", "settings.yaml: expected a mapping, found NoneType"),
        ("- a\n- b\n", "settings.yaml: expected a mapping, found list"),
        ("text", "settings.yaml: expected a mapping, found str"),
    ],
)
def test_what_is_no_mapping_is_one_line(text, expected):
    assert fails(text) == expected


def test_a_missing_file():
    with pytest.raises(SettingsError, match=r"^nowhere/settings\.yaml: no such file$"):
        read_yaml(Path("nowhere/settings.yaml"))


def test_the_same_key_in_two_blocks():
    PATH.write_text("a: {x: 1}\nb: {x: 2}\n")
    assert read_yaml(PATH) == {"a": {"x": 1}, "b": {"x": 2}}


# -------------------------------------------------------------------------------------------------------- validation


def faults(content, where="") -> list[str]:
    with pytest.raises(SettingsError) as error:
        validate(Outer, content, PATH, where)
    return str(error.value).split("\n")


def test_what_is_right():
    found = validate(Outer, {"name": "a", "inner": {"size": 3, "share": 1e-1}, "either": {"size": 1}}, PATH)
    assert found == Outer(name="a", inner=Inner(size=3, share=0.1), either=Inner(size=1))


def test_settings_do_not_change():
    found = Inner(size=3)
    with pytest.raises(ValidationError):
        found.size = 4


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": 3}, "name: input should be a valid string (found 3)"),
        ({"name": "../a"}, "name: string should match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$' (found '../a')"),
        ({"inner": {}}, "inner.size: required, and not there"),
        ({"inner": {"size": 1, "width": 2}}, "inner.width: unknown key"),
        ({"many": [{"size": 1}, {"size": True}]}, "many.1.size: input should be a valid integer (found True)"),
        ({"many": [{"size": 1, "share": None}]}, "many.0.share: input should be a valid number (found None)"),
        ({"inner": {"size": 1, "share": "0x1"}}, "inner.share: input should be a valid number (found '0x1')"),
        ({"inner": {"size": 1, "share": "nan"}}, "inner.share: input should be a valid number (found 'nan')"),
        ({"inner": {"size": 1, "share": float("-inf")}}, "inner.share: input should be a finite number (found -inf)"),
    ],
)
def test_a_fault_is_one_line_with_its_place(changes, expected):
    content = {"name": "a", "inner": {"size": 1}} | changes
    assert faults(content) == [f"settings.yaml: {expected}"]
    assert faults(content, "x.y") == [f"settings.yaml: x.y.{expected}"]


def test_a_value_that_fits_no_member_of_a_union_is_one_fault():
    (found,) = faults({"name": "a", "inner": {"size": 1}, "either": "no"})
    assert found.startswith("settings.yaml: either: input should be a valid integer (found 'no'), or input should be")


def test_every_fault_has_a_line():
    found = faults({"inner": {"size": 0, "more": 1}})
    assert found == [
        "settings.yaml: name: required, and not there",
        "settings.yaml: inner.size: input should be greater than or equal to 1 (found 0)",
        "settings.yaml: inner.more: unknown key",
    ]
