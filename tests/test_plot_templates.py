"""The templates in .dvc/plots are those that dvc.yaml names, and name only columns of the tables they draw."""

import csv
import itertools
import json
import math
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml
from dvc_render import VegaRenderer

from netclaims.claims.ledger import JUDGED as LEDGER
from netclaims.claims.verdicts import VERDICTS
from netclaims.data.functions import FUNCTIONS, formula
from netclaims.present.claims_figure import LINEAR, PANELS
from netclaims.present.quantities import LABELS

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / ".dvc" / "plots"
DATA = "<DVC_METRIC_DATA>"


def _pipeline() -> dict:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))


def _sections(pipeline: dict) -> dict:
    sections = {}
    for path in pipeline["vars"]:
        for name, entries in yaml.safe_load((ROOT / path).read_text(encoding="utf-8")).items():
            sections.setdefault(name, {}).update(entries)
    return sections


def _filled(text: str, key: str, item: dict) -> str:
    values = {"key": key} | {f"item.{name}": value for name, value in item.items()}
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(values[found[1]]), text)


def _declared() -> list[tuple[str, dict]]:
    """Every table that a stage declares as a plot, with the plot's properties."""
    pipeline = _pipeline()
    sections = _sections(pipeline)
    found = []
    for stage in pipeline["stages"].values():
        plots = [next(iter(plot.items())) for plot in stage.get("do", stage).get("plots", []) if isinstance(plot, dict)]
        for path, properties in plots:
            if "template" in properties:
                entries = sections[stage["foreach"][2:-1]] if "foreach" in stage else {"": {}}
                for key, item in entries.items():
                    named = {name: _filled(str(value), key, item) for name, value in properties.items()}
                    found.append((_filled(path, key, item), named))
    return found


PLOTS = _declared()
NAMES = sorted(path.stem for path in TEMPLATES.iterdir())
TABLES = [(path, properties) for path, properties in PLOTS if (ROOT / path).exists()]

MODELS, SPLITS, PLANES = ["A", "B"], ["train", "test"], ["main components", "random, filter-normalised"]
CURVATURE = ["largest_eigenvalue", "trace", "sharpness"]
NORMS = ["loss_by_input", "output_by_input", "loss_by_parameters"]
SWEEP = {"series": ["a net"], "model": MODELS, "batch_size": [16, 64], "equal": ["epochs", "steps"]}
SHUFFLED = {"series": ["a net"], "model": MODELS, "shuffle_labels": [0, 0.5, 1]}
LINE = {"model": MODELS, "split": SPLITS, "alpha": [0, 1]}
UNITS = [unit for _, units in PANELS.values() for unit in units]

# Tables as the analyses write them, also such as no experiment has at present: what tells the rows apart, with all its
# values, and the quantities, with their spread over replicas and without one.
SAMPLES = [
    ("explained", "component", "share", {"scope": ["layer 1", "whole model"], "basis": ["all runs", "each run its own"],
                                         "component": [1, 2, 3]}, ["share"], []),
    ("surface", "x", "y", {"plane": PLANES, "x": [-1, 0, 1], "y": [-1, 0, 1]}, [], ["loss"]),
    ("path", "epoch", "loss", {"plane": PLANES, "at": ["on the path", "in the plane"], "epoch": [0, 5]}, [],
     ["x", "y", "loss"]),
    ("density", "eigenvalue", "density", {"series": MODELS, "eigenvalue": [-1, 0, 10]}, ["density"], []),
    ("spectrum", "rank", "eigenvalue", {"start": ["descended", "random"], "kind": ["elsewhere"],
                                        "part": ["Hessian", "residual part"], "rank": [1, 2]},
     ["eigenvalue"], []),
    ("barriers", "pair", "loss_barrier", {"model": MODELS, "pair": ["two starts", "one start"], "split": SPLITS},
     ["loss_barrier", "accuracy_barrier"], []),
    ("errors", "model", "mean_square", {"function": ["sinc5", "quadratic"], "model": MODELS, "region": ["all", "edge"]},
     ["mean_square"], []),
    ("gap", "batch_size", "loss_gap", SWEEP | {"parameters": [100]}, ["loss_gap", "accuracy_gap"], []),
    ("gap", "shuffle_labels", "loss_gap", SHUFFLED | {"parameters": [100]}, ["loss_gap", "accuracy_gap"], []),
    ("gap", "parameters", "loss_gap", {"series": ["a net"], "function": ["sinc5"], "parameters": [10, 20],
                                       "model": ["A"], "learning_rate": [0.1, 1], "optimiser": ["sgd", "adam"]},
     ["loss_gap"], []),
    ("final_cross_entropy", "batch_size", "loss", SWEEP | {"split": SPLITS, "parameters": [100]},
     ["loss", "accuracy"], []),
    ("final_cross_entropy", "shuffle_labels", "loss", SHUFFLED | {"split": SPLITS, "parameters": [100]},
     ["loss", "accuracy"], []),
    ("final_mse", "batch_size", "loss", SWEEP | {"function": ["sinc5"], "split": SPLITS, "parameters": [100]},
     ["loss"], []),
    ("sensitivity", "batch_size", "output_by_input", SWEEP, NORMS + CURVATURE, []),
    ("sensitivity", "shuffle_labels", "output_by_input", SHUFFLED, NORMS + CURVATURE, []),
    ("sensitivity", "batch_size", "output_by_input", {"series": ["a net"], "model": ["A"], "batch_size": [1, 2]}, NORMS,
     []),
    ("interpolate", "alpha", "loss", LINE | {"pair": ["two starts", "one start", "control"]}, ["loss", "accuracy"], []),
    ("interpolate", "alpha", "loss", LINE, ["loss", "accuracy"], []),
    ("claims", "effect", "claim", {"claim": ["a-one", "a-two"], "report": ["a"], "experiment": ["a-nets"],
                                   "kind": ["trend"], "data": ["some digits"], "quote": ["it falls"],
                                   "unit": [*UNITS, ""], "verdict": list(VERDICTS), "because": [""]},
     [], [name for name in LEDGER if name != "unit"]),
]  # fmt: skip


def _sample(keys: dict[str, list], spread: list[str], plain: list[str]) -> list[dict]:
    """A row for every combination of the keys, as text, which is what a CSV holds."""
    numbers = [f"{name}{end}" for name in spread for end in ("", "_low", "_high")] + plain
    rows = [dict(zip(keys, map(str, values), strict=True)) for values in itertools.product(*keys.values())]
    return [row | dict.fromkeys(numbers, "1") for row in rows]


SAMPLED = {f"sample {i} of {name}": _sample(*columns) for i, (name, _, _, *columns) in enumerate(SAMPLES)}
CASES = TABLES + [
    (path, {"template": name, "x": x, "y": y, "title": "a title"})
    for path, (name, x, y, *_) in zip(SAMPLED, SAMPLES, strict=True)
]


def _load(name: str) -> dict:
    return json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))


@cache
def _rows(path: str) -> list[dict]:
    if path in SAMPLED:
        return SAMPLED[path]
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _strings(node: object) -> list[str]:
    """Every key and every text in a template."""
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in [key, *_strings(value)]]
    if isinstance(node, list):
        return [text for value in node for text in _strings(value)]
    return [node] if isinstance(node, str) else []


def _optional(template: dict) -> set[str]:
    """The columns that a template asks for before it reads them, or of which it leaves out those without a value."""
    asked = {name for text in _strings(template) for name in re.findall(r"isValid\(datum\.(\w+)\)", text)}
    counted = any(
        part["op"] == "valid" for step in template.get("transform", []) for part in step.get("joinaggregate", [])
    )
    return asked | (_folded(template) if counted else set())


def _folded(template: dict) -> set[str]:
    """The columns that a template makes panels of, with those of their bands."""
    names = [name for step in template.get("transform", []) for name in step.get("fold", [])]
    return {f"{name}{end}" for name in names for end in ("", "_low", "_high")}


def _needed(node: object) -> set[str]:
    """The fields that this part of a template reads, those under its own transforms apart."""
    if isinstance(node, str):
        return set(re.findall(r"datum\.(\w+)", node))
    if isinstance(node, list):
        return set().union(*map(_needed, node))
    fields = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "field":
                fields.add(value)
            elif key in {"groupby", "fold"}:
                fields.update(value)
            elif key not in {"transform", "labelExpr", "gridColor"}:  # there, datum is a tick of the axis
                fields |= _needed(value)
    return fields


def _made(step: dict) -> set[str]:
    if "fold" in step:
        return set(step["as"])
    parts = [step, *step.get("joinaggregate", []), *step.get("aggregate", [])]
    return {part["as"] for part in parts if "as" in part}


def _unknown(node: object, known: set[str]) -> set[str]:
    """The fields that are read but neither in the table nor made by a transform before that."""
    if isinstance(node, list):
        return set().union(*(_unknown(value, known) for value in node))
    if not isinstance(node, dict):
        return set()
    missing = set()
    for step in node.get("transform", []):
        missing |= _needed(step) - known
        known = known | _made(step)
    own = {key: value for key, value in node.items() if key in {"encoding", "facet", "mark", "params"}}
    missing |= _needed(own) - known
    for key in ("layer", "hconcat", "vconcat", "spec"):
        missing |= _unknown(node.get(key), known)
    return missing


def _sources(template: dict, columns: set[str]) -> dict[str, set[str]]:
    """For every field, the columns that it is worked out of: for one of the table itself that column alone.

    What `fold` makes, the names and the values of several columns, tells no rows apart.
    """
    found = {column: {column} for column in columns}
    for step in template.get("transform", []):
        fields = set() if "fold" in step else _needed(step)
        for name in _made(step):
            found[name] = set().union(*(found.get(field, set()) for field in fields))
    return found


def _lines(node: object, around: dict | None = None) -> list[dict]:
    """The encoding of every line of a template, with what the layers and facets around it add."""
    if isinstance(node, list):
        return [line for part in node for line in _lines(part, around)]
    if not isinstance(node, dict) or any("aggregate" in step for step in node.get("transform", [])):
        return []
    facet = node.get("facet", {})
    encoding = (around or {}) | ({"facet": facet} if "field" in facet else facet) | node.get("encoding", {})
    if isinstance(node.get("mark"), dict) and node["mark"]["type"] == "line":
        return [encoding]
    return [line for key in ("layer", "hconcat", "vconcat", "spec") for line in _lines(node.get(key), encoding)]


def _panels(template: dict) -> list[dict]:
    return template.get("hconcat") or template.get("vconcat") or [template]


def _without_tooltips(node: object) -> object:
    if isinstance(node, dict):
        return {key: _without_tooltips(value) for key, value in node.items() if key != "tooltip"}
    return [_without_tooltips(value) for value in node] if isinstance(node, list) else node


def _with_axes(template: dict, properties: dict) -> dict:
    text = json.dumps(template)
    for axis in ("x", "y"):
        text = text.replace(f"<DVC_METRIC_{axis.upper()}>", properties[axis])
    return json.loads(text)


def test_dvc_yaml_names_the_templates_that_there_are():
    assert {properties["template"] for _, properties in PLOTS} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_template_takes_the_data_from_dvc(name):
    template = _load(name)
    assert template["$schema"] == "https://vega.github.io/schema/vega-lite/v5.json"
    assert template["data"]["values"] == DATA
    assert template["title"]["text"] == "<DVC_METRIC_TITLE>"


@pytest.mark.parametrize("name", NAMES)
def test_template_tells_revisions_apart(name):
    template = _load(name)
    assert "rev" in _needed(_without_tooltips(template)) | _needed(template.get("transform"))


@pytest.mark.parametrize("name", NAMES)
def test_template_reads_nothing_from_elsewhere(name):
    texts = _strings(_load(name) | {"$schema": ""})
    assert "url" not in texts
    assert [text for text in texts if "//" in text] == []


def test_there_are_tables_to_check():
    assert {properties["template"] for _, properties in CASES} == set(NAMES)


@pytest.mark.parametrize(("path", "properties"), CASES, ids=[path for path, _ in CASES])
def test_template_reads_columns_that_the_table_has(path, properties):
    template = _with_axes(_load(properties["template"]), properties)
    columns = set(_rows(path)[0])
    assert {properties["x"], properties["y"]} <= columns
    assert _unknown(template, columns | {"rev"}) - _optional(template) == set()
    assert set(template["data"]["format"]["parse"]) <= columns | _optional(template)


@pytest.mark.parametrize("name", NAMES)
def test_template_reads_the_bands_of_what_it_makes_panels_of(name):
    template = _load(name)
    assert _folded(template) <= set(template["data"]["format"]["parse"])


@pytest.mark.parametrize(("path", "properties"), CASES, ids=[path for path, _ in CASES])
def test_no_line_goes_through_two_values_at_one_place(path, properties):
    template = _with_axes(_load(properties["template"]), properties)
    sources = _sources(template, {*_rows(path)[0], "rev"})
    for encoding in _lines(template):
        along = encoding.get("order", encoding["x"])["field"]
        others = {channel["field"] for name, channel in encoding.items() if name not in {"x", "y", "order", "tooltip"}}
        names = {along}.union(*(sources[field] for field in others))
        assert "rev" in names
        places = Counter(tuple(row.get(name) for name in sorted(names)) for row in _rows(path))
        assert set(places.values()) == {1}


def test_the_templates_of_tables_of_lines_have_lines():
    others = {"hessian", "surface", "barriers", "errors", "claims"}
    assert {name for name in NAMES if _lines(_load(name))} == set(NAMES) - others


@pytest.mark.parametrize("name", NAMES)
def test_optional_columns_are_settings_of_an_experiment(name):
    settings = {"function", "optimiser", "learning_rate", "batch_size", "shuffle_labels", "equal", "pair"}
    assert _optional(_load(name)) - _folded(_load(name)) <= settings


# One table for each template and each column that its x axis may show.
AXES = {(properties["template"], properties["x"]): (path, properties) for path, properties in CASES}


@pytest.fixture(params=AXES, ids=" ".join)
def filled(request):
    """A template as DVC fills it with the table of two revisions, and what it is filled with."""
    path, properties = AXES[request.param]
    rows = [row | {"rev": rev} for rev in ("HEAD", "workspace") for row in _rows(path)]
    return VegaRenderer(rows, path, **properties, template_dir=str(TEMPLATES)).get_filled_template(), rows, properties


def test_dvc_fills_every_anchor(filled):
    template, rows, _ = filled
    assert template["data"]["values"] == rows
    assert [text for text in _strings(template | {"data": {}}) if "<DVC_" in text] == []


def _is_in_words(text):
    return re.fullmatch(r"[^_<>\d]+", text) is not None


def test_the_axes_are_named_in_words(filled):
    template, _, properties = filled
    panels = _panels(template)
    named = []
    for panel in panels:
        x, y = (panel.get("spec", panel)["encoding"][axis] for axis in ("x", "y"))
        assert _is_in_words(y["title"]) if y["title"] is not None else y["field"] == "mean"  # named above each panel
        if x["title"] is not None:
            assert _is_in_words(x["title"])
            named.append(panel)
        elif panel is not template and "title" in panel:  # a title below: only there Vega-Lite takes an expression
            assert panel["title"]["text"] == {"expr": "x_name"}
            assert panel["title"]["orient"] == "bottom"
            (name,) = [found["expr"] for found in template["params"] if found["name"] == "x_name"]
            words = dict(re.findall(r"'(\w+)': '([^']+)'", name))
            assert words.items() <= LABELS.items()  # the words of the figures
            mapping = ", ".join(f"'{setting}': '{word}'" for setting, word in words.items())
            assert name == f"{{{mapping}}}['{properties['x']}'] || replace('{properties['x']}', /_/g, ' ')"
            named.append(panel)
    assert named == (panels[-1:] if "vconcat" in template else panels)


def _facets(template: dict) -> list[dict]:
    return [panel["facet"] for panel in _panels(template) if "facet" in panel]


@pytest.mark.parametrize("name", [name for name in NAMES if "function" in _needed(_load(name))])
def test_functions_are_written_as_formulas(name):
    (made,) = [step["calculate"] for step in _load(name)["transform"] if step.get("as") == "function"]
    words = dict(re.findall(r"'(\w+)': '([^']+)'", made))
    assert words == {function: formula(function) for function in FUNCTIONS}
    assert made.endswith("}[datum.function] || datum.function")


@pytest.mark.parametrize("name", ["sensitivity", "barriers"])
def test_panels_of_several_quantities_are_named_above_each(name):
    template = _load(name)
    (facet,) = _facets(template)
    quantity = facet.get("column", facet)
    folded = next(step["fold"] for step in template["transform"] if "fold" in step)
    assert quantity["field"] == "quantity"
    words = dict(re.findall(r"'(\w+)': '([^']+)'", quantity["header"]["labelExpr"]))
    assert list(words) == folded
    assert all(map(_is_in_words, words.values()))
    assert quantity["header"]["labelExpr"].endswith("}[datum.value]")


@pytest.mark.parametrize("name", NAMES)
def test_a_grid_of_panels_is_in_the_order_of_the_rows_both_ways(name):
    for facet in _facets(_load(name)):  # Vega-Lite puts panels under wrong names where but one of them is sorted
        if {"row", "column"} <= set(facet):
            assert (facet["row"]["sort"], facet["column"]["sort"]) == ([], [])


@pytest.mark.parametrize("name", ["final_cross_entropy", "gap", "sensitivity"])
def test_an_axis_of_shares_is_linear_and_any_other_swept_one_logarithmic(name):
    """By the constant c of a symmetric logarithm, log(1 + |x| / c), as a logarithm has no place for a share of 0."""
    for panel in _panels(_load(name)):
        scale = panel.get("spec", panel)["encoding"]["x"]["scale"]
        assert (scale["type"], scale["zero"]) == ("symlog", False)
        assert scale["constant"] == {"expr": "'<DVC_METRIC_X>' == 'shuffle_labels' ? 1000 : 1e-9"}
        assert (math.log1p(1 / 1000) - 2 * math.log1p(0.5 / 1000)) / math.log1p(1 / 1000) == pytest.approx(0, abs=1e-3)
        steps = [math.log1p(10.0 ** (power + 1) / 1e-9) - math.log1p(10.0**power / 1e-9) for power in range(-5, 8)]
        assert steps == pytest.approx([math.log(10)] * len(steps), rel=1e-3)


def _units(template: dict) -> list[tuple[tuple, dict]]:
    """The panels of claims, each with the units whose effects alone it shows."""
    found = []
    for panel in _panels(template):
        made = {step["as"]: step["calculate"] for step in panel["transform"]}
        assert set(made) == {"at", "at_low", "at_high", "from", "to"}
        (shown,) = {text.partition(" && ")[0] for text in made.values()}
        found.append((tuple(re.findall(r"datum\.unit == '(\w+)'", shown)), panel))
        assert shown == " || ".join(f"datum.unit == '{unit}'" for unit in found[-1][0]).join(
            ("(", ")") if len(found[-1][0]) > 1 else ("", "")
        )
    return found


def test_claims_have_the_panels_of_the_figure_of_all_claims():
    units = _units(_load("claims"))
    assert [shown for shown, _ in units] == [shown for _, shown in PANELS.values()]
    axes = {shown[0]: panel["spec"]["encoding"]["x"] for shown, panel in units}
    scales = {unit: x["scale"].get("type", "linear") for unit, x in axes.items()}
    assert scales == {"rho": "linear", "ratio": "log", "difference": "symlog", "height": "linear"}
    assert axes["difference"]["scale"]["constant"] == LINEAR
    for unit, x in axes.items():
        marked = x["axis"]["gridColor"]["condition"]["test"]
        assert marked == f"datum.value == {int(unit == 'ratio')}"  # where nothing speaks for a claim or against


def test_claims_have_the_same_rows_in_all_panels_in_the_order_of_the_table():
    template = _load("claims")
    assert template["transform"] == [{"filter": "datum.unit != null && datum.unit != ''"}]
    for _, panel in _units(template):
        assert (panel["facet"]["row"]["field"], panel["facet"]["row"]["sort"]) == ("report", [])
        assert panel["resolve"] == {"scale": {"y": "independent"}}
        assert not any("filter" in step for step in panel["transform"])
        y, across = panel["spec"]["encoding"]["y"], panel["spec"]["layer"][0]
        assert (y["field"], y["sort"]) == ("<DVC_METRIC_Y>", None)
        # A line across every row: what has no effect in this unit is left out of the other layers, and of their axes.
        assert across["encoding"] == {"x": {"value": 0}, "x2": {"value": "width"}}
        assert "transform" not in across


def test_claims_have_a_mark_for_each_verdict_and_a_colour_for_each_revision():
    for _, panel in _units(_load("claims")):
        points = panel["spec"]["layer"][-1]["encoding"]
        shapes = points["shape"]["scale"]
        assert [*shapes["domain"], "not testable", "not run"] == list(VERDICTS)
        assert len(set(shapes["range"])) == len(shapes["domain"])
        assert (points["shape"]["field"], points["color"]["field"]) == ("verdict", "rev")
        said = {part["field"] for part in points["tooltip"]}
        assert {"rev", "quote", "verdict", "because", "p_holm", "replicas", "<DVC_METRIC_X>", "low", "high"} <= said


@pytest.mark.parametrize("x", ["step", "epoch"])
def test_gradients_are_drawn_along_steps_and_along_epochs(x):
    assert ("gradient", x) in AXES


def test_a_column_that_does_not_exist_is_found():
    template = {
        "transform": [{"calculate": "datum.losss > 0", "as": "made"}],
        "hconcat": [{"encoding": {"x": {"field": "made"}, "y": {"field": "los"}}}],
    }
    assert _unknown(template, {"loss"}) == {"losss", "los"}


def test_the_columns_behind_a_field_are_found():
    template = {
        "transform": [
            {"joinaggregate": [{"op": "distinct", "field": "model", "as": "count"}]},
            {"calculate": "datum.count > 1 ? datum.rev : ''", "as": "line"},
            {"calculate": "datum.line + datum.split", "as": "line"},
        ]
    }
    assert _sources(template, {"model", "rev", "split"})["line"] == {"model", "rev", "split"}
