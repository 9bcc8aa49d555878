"""Figures against the tables that they show: what is not there, or would draw several rows at one place."""

import pytest

from netclaims.claims.check_claims import nets_of
from netclaims.settings.analyses import ANALYSES
from netclaims.settings.check_figures import MOST_PANELS, check_figures
from netclaims.settings.experiments import ExperimentEntry
from netclaims.settings.figures import FiguresSettings

SURFACE = {"kind": "contours", "x": "x", "y": ["surface.loss"], "columns": "plane"}
PATHS = {"kind": "paths", "x": "pc1", "y": ["pca.pc2"], "only": {"scope": "layer 1"}}
FIT = {"x": "x", "y": ["fit.prediction"], "lines": "model", "columns": "function"}
SIZES = {"x": "batch_size", "y": ["final.loss"], "lines": "equal", "columns": "model"}
SCATTER = {"kind": "scatter", "x": "minimal_ratio", "y": ["hessian.loss"]}
ONE_PLACE = "several rows at one place: only, lines or columns has to say which"


@pytest.fixture(scope="module")
def told(every_kind):
    """What is said of one figure of an experiment or an analysis; nothing if it is sound."""
    experiments = {key: ExperimentEntry.model_validate(entry) for key, entry in every_kind["experiments"].items()}
    analyses = {
        kind: {key: section.model_validate(entry) for key, entry in every_kind[kind].items()}
        for kind, section in ANALYSES.items()
    }

    def said(key: str, *figures: dict) -> list[str]:
        draw = {f"f{number}": {"title": "A title"} | figure for number, figure in enumerate(figures)}
        entry = {"nets": nets_of(key, every_kind), "question": "capacity", "draw": draw}
        found = check_figures(FiguresSettings.model_validate(entry), key, experiments, analyses)
        return [f"{place}: {fault}" for place, fault in found]

    return said


@pytest.mark.parametrize(
    ("key", "figure"),
    [
        ("d-sizes", SIZES),
        ("d-sizes", {"x": "epoch", "y": ["curves.loss", "curves.accuracy"], "lines": "series"}),
        ("d-sizes", {"x": "epoch", "y": ["curves.loss"], "only": {"model": "NA", "batch_size": 4}, "lines": "equal"}),
        ("d-sizes", {"x": "batch_size", "y": ["final.loss", "gap.loss_gap"], "lines": "model", "columns": "equal"}),
        ("d-sizes", {"x": "step", "y": ["gradient.gradient_norm"], "lines": "series"}),
        ("d-sizes", {"kind": "points", "x": "series", "y": ["gap.loss_gap"]}),
        ("d-sizes", {"kind": "scatter", "x": "loss", "y": ["final.accuracy"]}),
        ("d-shares", {"x": "shuffle_labels", "y": ["gap.epochs_to_fit"]}),
        ("d-tuned", {"x": "epoch", "y": ["curves.loss"], "lines": "model"}),  # there are curves of the best alone
        ("d-fits", FIT),
        (
            "d-fits",
            {"kind": "points", "x": "model", "y": ["errors.mean_square"], "lines": "region", "columns": "function"},
        ),
        ("d-fits", SCATTER | {"lines": "kind", "note": "hessian.critical_points.spearman_nonzero"}),
        ("d-fits", {"x": "rank", "y": ["spectrum.eigenvalue"], "lines": "part", "only": {"kind": "kinked minimum"}}),
        ("d-one", {"x": "epoch", "y": ["curves.loss"]}),
        ("d-one", SURFACE | {"path": "path"}),
        ("d-one", PATHS),
        ("d-one", {"x": "component", "y": ["explained.share"], "lines": "basis", "columns": "scope"}),
        ("d-line", {"x": "alpha", "y": ["interpolate.loss"], "lines": "model", "only": {"pair": "control"}}),
        ("d-norms", {"x": "alpha", "y": ["interpolate.output_by_input"], "lines": "model", "columns": "pair"}),
        ("d-norms", {"x": "eigenvalue", "y": ["density.density"], "lines": "series"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_there_may_be_shown(key, figure, told):
    assert told(key, figure) == []


@pytest.mark.parametrize(
    ("key", "figure", "expected"),
    [
        # tables and columns
        ("d-one", {"x": "epoch", "y": ["curve.loss"]}, "y: no table 'curve' here; there are curves, final, gap, pca, "),
        ("d-line", {"x": "epoch", "y": ["curves.loss"]}, "y: no table 'curves' here; there are interpolate, barriers"),
        ("d-one", {"x": "epoch", "y": ["curves.acuracy"]}, "y: curves has no column 'acuracy'; there are accuracy, "),
        ("d-fits", {"x": "epoch", "y": ["curves.accuracy"]}, "y: curves has no column 'accuracy'; there are epoch, "),
        ("d-one", {"x": "epochs", "y": ["curves.loss"]}, "x: curves has no column 'epochs'; there are accuracy, "),
        ("d-one", {"x": "epoch", "y": ["curves.loss"], "lines": "colour"}, "lines: curves has no column 'colour'; "),
        ("d-one", {"x": "epoch", "y": ["curves.loss"], "columns": "scope"}, "columns: curves has no column 'scope'; "),
        ("d-one", {"x": "epoch", "y": ["curves.loss"], "only": {"pair": "control"}}, "only: curves has no column 'pa"),
        ("d-sizes", SIZES | {"y": ["final.loss", "gap.loss"]}, "y: gap has no column 'loss'; there are accuracy_gap, "),
        ("d-sizes", {"x": "parameters", "y": ["gap.epochs_to_fit"]}, "y: gap has no column 'epochs_to_fit'; "),
        ("d-sizes", {"x": "epoch", "y": ["gradient.loss"]}, "x: gradient has no column 'epoch'; there are batch_size"),
        ("d-line", {"x": "alpha", "y": ["interpolate.output_by_input"]}, "y: interpolate has no column 'output_by_inp"),
        # numbers and categories
        ("d-sizes", {"x": "epoch", "y": ["curves.model"]}, "y: numbers; model holds words"),
        ("d-sizes", {"x": "model", "y": ["final.loss"]}, "x: numbers; model holds words, which kind: points shows"),
        ("d-one", {"kind": "points", "x": "epoch", "y": ["curves.loss"]}, "x: a name or a setting, as points stand a"),
        ("d-one", {"x": "epoch", "y": ["curves.epoch"]}, "y: another column than x (found 'epoch' in both)"),
        ("d-one", PATHS | {"y": ["pca.pc1"]}, "y: another column than x (found 'pc1' in both)"),
        ("d-fits", SCATTER | {"y": ["hessian.replica"], "lines": "replica"}, "y: another column than lines (found "),
        ("d-sizes", SIZES | {"lines": "batch_size"}, "lines: another column than x (found 'batch_size' in both)"),
        ("d-one", {"x": "epoch", "y": ["curves.loss"], "lines": "accuracy"}, "lines: a name or a setting; accuracy i"),
        ("d-one", {"x": "loss", "y": ["curves.accuracy"], "columns": "epoch"}, "columns: a name or a setting; epoch"),
        # what each kind of figure shows
        ("d-one", SURFACE | {"y": ["curves.loss"]}, "x: curves has no column 'x'; there are "),
        ("d-one", SURFACE | {"x": "y"}, "x: x, the first direction of the plane (found 'y')"),
        ("d-one", SURFACE | {"path": "curves"}, "path: curves has no column 'y'; there are "),
        ("d-one", SURFACE | {"path": "surface"}, "path: surface has no column 'at'; there are "),
        ("d-one", SURFACE | {"lines": "plane"}, "lines: kind: contours has none"),
        ("d-one", PATHS | {"x": "epoch", "y": ["curves.loss"], "only": {}}, "y: curves has no column 'replica'; ther"),
        ("d-fits", SCATTER | {"note": "hessian.spearman"}, "note: one of the rank correlations here: hessian.criti"),
        ("d-one", PATHS | {"note": "hessian.critical_points.spearman"}, "note: one of the rank correlations here: n"),
        # rows
        ("d-sizes", SIZES | {"only": {"model": "C"}}, "only.model: no 'C'; there are ['A', 'B', 'NA']"),
        ("d-sizes", SIZES | {"only": {"batch_size": 17}}, "only.batch_size: no 17.0; there are [4, 16, 50]"),
        ("d-sizes", SIZES | {"only": {"batch_size": "4"}}, "only.batch_size: a number (found '4')"),
        ("d-sizes", SIZES | {"only": {"model": 1}}, "only.model: words (found 1.0)"),
        ("d-sizes", SIZES | {"only": {"series": "A"}}, "only: series has no values known before anything runs; those"),
        ("d-one", PATHS | {"only": {"scope": "layer 2"}}, "only.scope: no 'layer 2'; there are ['layer 1', 'whole mo"),
        # one row at a place
        ("d-sizes", SIZES | {"lines": None}, f"y: final has {ONE_PLACE} equal"),
        ("d-sizes", SIZES | {"lines": None, "columns": None}, f"y: final has {ONE_PLACE} model, equal"),
        ("d-sizes", {"x": "epoch", "y": ["curves.loss"]}, f"y: curves has {ONE_PLACE} model, batch_size, equal"),
        ("d-sizes", {"x": "batch_size", "y": ["curves.loss"], "lines": "series"}, f"y: curves has {ONE_PLACE} epoch"),
        ("d-sizes", SIZES | {"y": ["final.loss", "sensitivity.trace"]}, "y: no table 'sensitivity' here; there are "),
        ("d-tuned", {"kind": "points", "x": "model", "y": ["final.loss"]},
         f"y: final has {ONE_PLACE} optimiser, learning_rate"),
        ("d-fits", FIT | {"columns": None}, "only: several functions in a panel: only or columns has to say which"),
        ("d-fits", FIT | {"lines": "function", "columns": None, "only": {"model": "A"}}, "only: several functions in "),
        ("d-fits", FIT | {"lines": None}, f"y: fit has {ONE_PLACE} model"),
        ("d-one", SURFACE | {"columns": None}, f"y: surface has {ONE_PLACE} plane"),
        ("d-one", PATHS | {"only": {}}, f"y: pca has {ONE_PLACE} scope"),
        ("d-one", {"x": "epoch", "y": ["pca.pc1"], "columns": "scope"}, f"y: pca has {ONE_PLACE} replica"),
        ("d-line", {"x": "alpha", "y": ["interpolate.loss"], "lines": "model"}, f"y: interpolate has {ONE_PLACE} pair"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_mistake_is_told_with_its_key(key, figure, expected, told):
    (said,) = told(key, {name: value for name, value in figure.items() if value is not None})
    assert said.startswith(f"draw.f0.{expected}")
    assert "\n" not in said


def test_every_figure_is_told_of_and_the_first_fault_of_each(told):
    wrong = SIZES | {"y": ["final.los"], "lines": "colour"}
    said = told("d-sizes", wrong, SIZES, SIZES | {"columns": None})
    assert [line.partition(": ")[0] for line in said] == ["draw.f0.y", "draw.f2.y"]


def test_panels_side_by_side_are_as_many_as_a_page_has_room_for(every_kind, told):
    models = {f"M{i}": {"layers": [2 + i, 10]} for i in range(MOST_PANELS + 1)}
    for kept in (MOST_PANELS, MOST_PANELS + 1):
        entry = every_kind["experiments"]["d-one"] | {"models": dict(list(models.items())[:kept])}
        figure = {"title": "A title", "x": "epoch", "y": ["curves.loss"], "columns": "model"}
        settings = FiguresSettings.model_validate({"nets": "d-a", "question": "capacity", "draw": {"f": figure}})
        found = list(check_figures(settings, "d-a", {"d-a": ExperimentEntry.model_validate(entry)}, {}))
        many = f"at most {MOST_PANELS} panels, and model has {kept} values"
        assert found == ([] if kept == MOST_PANELS else [("draw.f.columns", many)])
