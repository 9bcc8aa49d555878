"""docs/experiments.md: everything that the report files say is on it, in the line where it belongs."""

import re
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from netclaims.present.experiments_table import experiments_table
from netclaims.present.in_words import in_words
from netclaims.present.markdown import plain
from netclaims.recipes.facts import facts_of_report, layout
from netclaims.settings.reports import Report, load_report, load_settings

ROOT = Path(__file__).parents[2]
REPORTS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "reports").glob("*.yaml"))
}
EXPERIMENTS = {key: entry for content in REPORTS.values() for key, entry in content["experiments"].items()}
ANALYSES = {
    (section, key): entry
    for content in REPORTS.values()
    for section, entries in content.items()
    if section not in {"experiments", "figures", "results", "claims"}
    for key, entry in entries.items()
}
FIGURES = {key: entry for content in REPORTS.values() for key, entry in content["figures"].items()}
KEYS = list(dict.fromkeys([*EXPERIMENTS, *(key for _, key in ANALYSES), *FIGURES]))
# What other lines show, or what says nothing about the experiment itself.
NO_SETTINGS = {"report", "nets", "title", "data", "functions", "models", "against", "assumed", "stated"}
LINES = ("Data", "Networks", "The report states", "We assume", "Stages", "Figures")


@pytest.fixture(scope="module")
def reports():
    with chdir(ROOT):
        return load_settings()[1]


@pytest.fixture(scope="module")
def facts(reports):
    """What is known of each experiment, by report and key."""
    return {report.name: {found.key: found for found in facts_of_report(report)} for report in reports}


@pytest.fixture(scope="module")
def page(facts):
    return experiments_table({report: list(found.values()) for report, found in facts.items()})


@pytest.fixture(scope="module")
def loaded(reports):
    return {key: experiment for report in reports for key, experiment in report.experiments.items()}


@pytest.fixture(scope="module")
def blocks(page):
    return blocks_of(page)


def blocks_of(page: str) -> dict[str, dict[str, list[str]]]:
    """What each block says, line by line, by experiment; its title is `Title`."""
    found = {}
    for head, body in re.findall(r"^### (.+)\n\n((?:(?:- |  - ).*\n)+)", page, re.MULTILINE):
        key, _, title = head.partition(": ")
        assert key not in found
        found[key] = {name: [] for name in LINES} | {"Title": [title] if title else []}
        for name, line, listed in re.findall(r"^- \*\*(.+?):\*\*(?: (.+)|\n((?:  - .+\n)+))", body, re.MULTILINE):
            assert name in LINES
            apart = ", " if name in ("Stages", "Figures") else "; "
            found[key][name] = listed.replace("  - ", "").splitlines() if listed else line.split(apart)
    return found


def settings(key: str) -> tuple[dict, dict]:
    """What the entries of a name say, by the words that stand for it on the page: stated, and assumed."""
    stated, assumed = {}, {}
    entries = [
        ("", EXPERIMENTS.get(key, {})),
        *((section, entry) for (section, k), entry in ANALYSES.items() if k == key),
    ]
    for section, entry in entries:
        domain = {"domain": [-1, 1]} if not section and "functions" in entry else {}
        for name, value in (entry | domain).items():
            for part, inner in value.items() if isinstance(value, dict) else [("", value)]:
                if (section, name) == ("gradient", "against"):
                    stated["gradient norm by"] = inner
                if (name, part) == ("record", "gradient_norm"):  # the row of the gradient entry says it
                    continue
                mine = {name, f"{name}.{part}"} & set(entry.get("assumed", []))
                if name not in NO_SETTINGS:
                    (assumed if mine else stated)[f"{section} {name} {part}".strip().replace("_", " ")] = inner
    return stated, assumed


def same(text: str, value: object) -> bool:
    """Whether the page says this value: a number in whatever digits, words with spaces for underscores."""
    if isinstance(value, bool):
        return text == ("yes" if value else "no")
    if isinstance(value, list):
        parts = text.split(", ")
        return len(parts) == len(value) and all(map(same, parts, value))
    if isinstance(value, int | float):
        return float(text.replace(",", "")) == value
    return text == value.replace("_", " ")


def test_the_page_in_git_is_that_of_the_reports_in_git(page):
    assert (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8") == page


def test_every_experiment_of_every_section_is_a_block_of_its_report(page, blocks):
    assert len(KEYS) > 40
    assert set(blocks) == set(KEYS)
    for report in REPORTS:
        section = page.partition(f"\n## Report {report}\n")[2].partition("\n## ")[0]
        assert set(blocks_of(section)) == {key for key in KEYS if key.partition("-")[0] == report}


def test_nothing_stands_outside_of_the_blocks(page, blocks):
    """A block says all its lines, each once, and no more."""
    body = page.partition("\n## ")[2].splitlines()
    found = [line for block in blocks.values() for name in ("Networks",) for line in block[name]]
    assert [line.removeprefix("  - ") for line in body if line.startswith("  - ")] == found
    said = [f"- **{name}:**" for block in blocks.values() for name in LINES if block[name]]
    assert [re.match(r"- \*\*.+?:\*\*", line)[0] for line in body if line.startswith("- ")] == said
    others = [line for line in body if line and not line.startswith(("- ", "  - ", "### ", "## Report "))]
    assert others == ["Report a"]  # the first, whose signs were cut off


@pytest.mark.parametrize("key", EXPERIMENTS)
def test_networks_have_their_parameters_and_what_the_report_says(key, blocks, loaded):
    entry, lines = EXPERIMENTS[key], list(blocks[key]["Networks"])
    if "stated" in entry:
        assert lines.pop() == f"report: {entry['stated']}"
    for line, (name, model) in zip(lines, entry["models"].items(), strict=True):
        count = loaded[key].parameters(name)
        assert count == model.get("parameters", count)
        assert line.startswith(f"{name}: {layout(loaded[key], name)} = {count:,}")
        assert f"report: {model['stated']})" in line if "stated" in model else "report:" not in line
        assumed = set(entry.get("assumed", []))
        assert ("assumed)" in line) == bool({"models", f"models.{name}"} & assumed)


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_stated_or_chosen(key, facts):
    entry, known = EXPERIMENTS.get(key, {}), facts[key[0]][key]
    knob = key in EXPERIMENTS and not {"batch_size"} & {*entry, *entry.get("sweep", {}), *entry.get("tune", {})}
    for column, expected in zip(("stated", "assumed"), settings(key), strict=True):
        lines = list(getattr(known, column))
        if knob and (column == "assumed") == ("batch_size" in entry.get("assumed", [])):
            lines.remove("batch size (knob)" if column == "assumed" else "batch size 64 (knob)")
        for name in {"data", "functions", *(f"functions.{name}" for name in entry.get("functions", []))}:
            if column == "assumed" and name in entry.get("assumed", []):
                begins = "the data set" if name == "data" else "the function"
                lines.remove(next(line for line in lines if line.startswith(begins)))
        if column == "stated" and key not in EXPERIMENTS:
            lines.remove(next(line for line in lines if line.startswith("nets of")))
        for words, value in expected.items():
            (line,) = [line for line in lines if line.startswith(f"{words} ")]
            assert same(line.removeprefix(f"{words} "), value)
        assert len(lines) == len(expected)


@pytest.mark.parametrize("key", KEYS)
def test_settings_are_said_in_words(key, facts, blocks):
    known = facts[key[0]][key]
    assert blocks[key]["The report states"] == [plain(in_words(line)) for line in known.stated]
    assert blocks[key]["We assume"] == [plain(in_words(line)) for line in known.assumed]


def test_words_keep_every_number_and_tell_settings_apart(facts):
    lines = {line for found in facts.values() for known in found.values() for line in [*known.stated, *known.assumed]}
    words = {line: in_words(line) for line in lines}
    number = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?(?!\w)")
    for line, said in words.items():
        assert number.findall(said.replace("−", "-")) == number.findall(line) or (line, said) == (
            "record weights every 1", "weights kept every epoch"), line  # fmt: skip
    assert len(set(words.values())) == len(words) > 100
    assert [said for said in words.values() if "_" in said or said.endswith((" yes", " no"))] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("batch size (knob)", "batch size: the knob"),
        ("batch size 64 (knob)", "batches of 64 (the knob)"),
        ("batch size full", "all examples in one batch"),
        ("least replicas 15", "at least 15 replicas"),
        ("control 0.001", "control: 0.001 once more, with data in another order"),  # a learning rate, perhaps
        ("fitted accuracy 1", "fitted when a share of 1 of the training labels is right"),
        ("sweep learning rate 0.1, 1e-4", "learning rate varied: 0.1, 1e-4"),
        ("tune optimiser adam, sgd", "optimiser tuned among adam, sgd"),
        ("sensitivity curvature epsilon 0.001", "sharpness in a box of 0.001"),
        ("domain -1, 1", "x from −1 to 1"),
        ("sensitivity curvature probes 20", "curvature: 20 probes"),
        ("of which nothing is known 3", "of which nothing is known 3"),
    ],
)
def test_a_setting_in_words(line, said):
    assert in_words(line) == said


@pytest.mark.parametrize("key", KEYS)
def test_stages_and_nets(key, blocks):
    (nets,) = {FIGURES[key]["nets"], *(entry["nets"] for (_, k), entry in ANALYSES.items() if k == key)}
    stages = [f"{section}@{key}" for section, k in ANALYSES if k == key]
    assert blocks[key]["Stages"] == [f"`{stage}`" for stage in [f"train@{nets}", *stages]]
    assert (f"nets of {nets}" in blocks[key]["The report states"]) == (key not in EXPERIMENTS) == (key != nets)
    assert blocks[key]["Title"] == ([EXPERIMENTS[key]["title"]] if key in EXPERIMENTS else [])
    assert bool(blocks[key]["Networks"]) == (key in EXPERIMENTS)


@pytest.mark.parametrize("key", KEYS)
def test_links_are_to_the_figures_that_are_drawn(key, blocks):
    found = [re.fullmatch(r"\[(.+)\]\((.+)\)", line).groups() for line in blocks[key]["Figures"]]
    folder = ROOT / "plots" / "figures" / key.partition("-")[0] / key
    assert [(name, (ROOT / "docs" / link).resolve()) for name, link in found] == [
        (name, folder / f"{name}.svg") for name in FIGURES[key]["draw"]
    ]


def test_other_links_are_to_files_of_the_repository(page):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page) if not link.endswith(".svg")]
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_data_is_named_or_a_formula(blocks):
    assert blocks["b-trajectory"]["Data"] == ["MNIST"]
    assert blocks["c-interpolation-batch-size"]["Data"] == ["CIFAR-10"]
    assert blocks["d-simulate"]["Data"] == ["sin(0.2x + 1)", "5x² − 0.5x + 0.2", "log|2x + 0.5|"]


@pytest.mark.parametrize(
    ("data", "layers", "expected"),
    [
        ("mnist", [10], "784-10"),
        ("mnist", [256, {"dense": 128}, 10], "784-256-128-10"),
        ("cifar10", [20, 10], "3072-20-10"),
        ("functions", [5, 10, 1], "1-5-10-1"),
        ("mnist", [20, 30, {"dense": 10, "bias": False}], "784-20-30-10 without biases in layer 3"),
        (
            "functions",
            [{"dense": 4, "bias": False}, 3, {"dense": 1, "bias": False}],
            "1-4-3-1 without biases in layer 1, 3",
        ),
        ("mnist", [{"conv": 16}, {"pool": 2}, 50, 10], "conv 16 k3 p1, pool 2, 50, 10"),
        ("mnist", [{"conv": 8, "kernel": 5, "padding": 0}, {"pool": 3}, 10], "conv 8 k5 p0, pool 3, 10"),
        ("mnist", [{"resize": 32}, 128, 10], "resize 32, 128, 10"),
        ("mnist", [20, 10, "softmax"], "20, 10, softmax"),
        ("cifar10", [{"conv": 16, "padding": 0}, {"pool": 2}, 10, "softmax"], "conv 16 k3 p0, pool 2, 10, softmax"),
    ],
)
def test_a_network_in_one_line(data, layers, expected, checked):
    other = {"layers": [7, 1 if data == "functions" else 10]}
    assert layout(checked(data, models={"A": other, "B": {"layers": layers}, "C": other}), "B") == expected


def test_what_an_entry_says_is_there_even_if_it_is_the_default(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = entry(report="x", weight_decay=0.0, assumed=["weight_decay"], stated="one of a|b")
    drawn = {"loss": {"title": "Loss", "x": "epoch", "y": ["curves.loss"]}}
    figures = {"x-a": {"nets": "x-a", "question": "capacity", "draw": drawn}}
    Path("reports").mkdir()
    Path("reports/x.yaml").write_text(yaml.dump({"experiments": {"x-a": said}, "figures": figures}), encoding="utf-8")
    page = experiments_table({"x": facts_of_report(load_report(Path("reports/x.yaml")))})
    block = blocks_of(page)["x-a"]
    assert block["We assume"] == ["weight decay 0"]
    assert "momentum" not in page
    assert block["Networks"][-1] == "report: one of a|b"


@pytest.mark.parametrize(
    ("assumed", "expected"),
    [
        ([], ([], ["domain -1, 1"])),
        (["domain"], (["domain -1, 1"], [])),
        (["functions"], (["the function"], ["domain -1, 1"])),
        (["functions.sinc5", "data"], (["the data set", "the function sin(5πx)/(5πx)"], ["domain -1, 1"])),
    ],
)
def test_what_is_fitted_and_where_may_be_assumed(assumed, expected, checked):
    experiment = checked("functions", functions=["sinc5"], assumed=assumed)
    (facts,) = facts_of_report(Report(Path("x.yaml"), {"x-a": experiment}))
    words = ("domain", "the function", "the data set")
    found = [[line for line in lines if line.startswith(words)] for lines in (facts.assumed, facts.stated)]
    assert found == [*expected]


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", "a & b", "*bold* and _slanted_", "[a](b)", "$x$ ${y}"])
def test_words_of_an_entry_are_shown_as_they_are(words, entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = {"A": {"layers": [10], "parameters": 7850, "stated": words}}
    said = entry(report="x", title=words, models=models, stated=words)
    Path("reports").mkdir()
    Path("reports/x.yaml").write_text(yaml.dump({"experiments": {"x-a": said}}), encoding="utf-8")
    page = experiments_table({"x": facts_of_report(load_report(Path("reports/x.yaml")))})
    block = page.partition("\n## Report x\n")[2]
    shown = re.sub(r"\\([*_<>$`\[\]])", r"\1", block).replace("&amp;", "&")
    assert shown.count(words) == 3
    own = ("- **Data:**", "- **Networks:**", "- **The report states:**", "- **Stages:**", "`train@x-a`")
    assert not re.search(r"(?<!\\)[*_<>$`\[\]]", re.sub("|".join(map(re.escape, own)), "", block))
