"""docs/readings.md: the rules that claims share are in their entries, and every claim with one is listed."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CLAIMS = {
    key: entry
    for path in sorted((ROOT / "reports").glob("*.yaml"))
    for key, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["claims"].items()
}
PAGE, EXCEPTIONS = (ROOT / "docs" / "readings.md").read_text(encoding="utf-8").split("\n## ")
RULES = re.findall(r"\| `(\w+): (\S+)` \| (.+) \|", PAGE)
LISTED = [(key, name, value) for name, value, claims in RULES for key in claims.split(", ")]
ELSEWHERE = re.findall(r"^\| (\w+-[\w, -]+) \| ", EXCEPTIONS, re.MULTILINE)


def pairs(content) -> set[tuple[str, str]]:
    """Every key in an entry with its value, of lists each item."""
    if isinstance(content, list):
        return set().union(*map(pairs, content))
    if not isinstance(content, dict):
        return set()
    items = [(key, item) for key, value in content.items() for item in (value if isinstance(value, list) else [value])]
    return {(key, str(item)) for key, item in items}.union(*(pairs(value) for value in content.values()))


@pytest.mark.parametrize(("key", "name", "value"), LISTED)
def test_a_claim_has_the_rule_that_it_is_listed_with(key, name, value):
    assert (name, value) in pairs(CLAIMS[key])


@pytest.mark.parametrize(
    ("name", "value"), [("fallen", None), ("of", "sensitivity.loss_by_input"), ("than", "0.99"), ("within", "0.03")]
)
def test_claims_with_a_rule_are_listed_with_it(name, value):
    questions = {CLAIMS[key]["question"] for key, *rule in LISTED if rule[0] == name and value in (None, rule[1])}
    for key, entry in CLAIMS.items():
        having = [found for found in pairs(entry) if found[0] == name and value in (None, found[1])]
        for found in having if entry["question"] in questions else []:
            assert (key, *found) in LISTED


def test_every_claim_on_sensitivity_has_a_rule_or_a_reason():
    known = {key for key, *_ in LISTED} | {key for keys in ELSEWHERE for key in keys.split(", ")}
    for key, entry in CLAIMS.items():
        if entry["question"].startswith("sensitivity-by") and "untestable" not in entry:
            assert key in known


def test_reasons_are_for_claims_that_there_are():
    keys = [key for listed in ELSEWHERE for key in listed.split(", ")]
    assert len(keys) > 9
    assert set(keys) <= set(CLAIMS)
    assert not set(keys) & {key for key, *_ in LISTED}
