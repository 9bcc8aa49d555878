"""The command of the benchmarks, and the tables that it writes from its results."""

import json
import re

import pytest

from benchmarks import __main__ as command
from benchmarks.comparisons import COMPARISONS
from benchmarks.figure import LINES, draw_scaling
from benchmarks.table import AXES, agreement, ratios, render


def contender(seconds, pieces=1, cores="all cores", **more):
    return {"title": "some", "cores": cores, "pieces": pieces, "first_seconds": 1.0, "seconds": seconds, **more}


@pytest.fixture
def results():
    peak = {"float32, one core": 1e11, "float32, all cores": 2e11}
    mlp = {
        "title": "MLP on MNIST, 4,000 images",
        "work": "layers 256, 10",
        "peak": peak,
        "contenders": {
            "ours": contender([2.0, 4.0], 4, share_of_peak=0.25, losses=[[0.1, 0.2, 0.3, 0.2], [0.1, 0.2, 0.3, 0.2]]),
            "homework": contender([5.0, 4.0], share_of_peak=0.01, losses=[[0.2], [0.21]]),
            "skorch": contender([0.5, 0.5], share_of_peak=0.01, losses=[[1.0], [1.1]], compile_seconds=7.0),
        },
    }
    exact = {
        "title": "Exact Hessian, relu",
        "work": "571 parameters",
        "contenders": {
            "ours": contender([0.01], difference=0.0),
            **{name: contender([0.02], difference=1e-15) for name in ("autograd", "vectorised", "func", "curvlinops")},
            "eigenthings": contender([0.005], difference=1e-15),
        },
    }
    axis = {"values": [1, 10], "seconds": {"ours": [[1.0, 1.0], [2.0, 2.5]], "homework": [[1.0, 1.2], [10.0, 11.0]]}}
    return {
        "machines": {"mlp": "a machine", "hessian-relu": "a machine"},
        "comparisons": {
            "mlp": mlp,
            "hessian-relu": exact,
            "curves": {"title": "How cost grows", "epochs": 200, "axes": dict.fromkeys(AXES, axis)},
            "processes": {
                "title": "One process, and one for every core",
                "lists": {"small": {"work": "4 runs", "processes": 2, "seconds": {"one": [2.0], "all": [1.25]}}},
            },
        },
    }


def test_ratios_are_of_one_piece_of_work_and_by_repeat(results):
    assert ratios(results["comparisons"]["mlp"], "homework") == [10.0, 4.0]


def test_the_tables_say_what_the_results_do(results):
    text = render(json.loads(json.dumps(results)))
    assert "| MNIST MLP ≥ 6× the homework loop | MLP on MNIST, 4,000 images | 7× [4, 10] | yes, by the median |" in text
    assert re.search(r"exact Hessian ≥ 3× .* \| 2× \| no \|", text)
    assert re.search(r"exact Hessian no slower .* \| 0.5× \| no \|", text)
    assert "| some | all | 750 ms [500, 1e+03] |  | 25 % | 0.2000 ± 0.0756 (8 nets) |" in text
    assert "some (compiled in 7.0 s)" in text
    assert re.search(r"1\.0500 ± 0\.0707 \(2 nets\), \*\*differs\*\*: \+\d", text)
    assert re.search(r"0\.2050 ± 0\.0071 \(2 nets\), agrees: \+0\.2 standard errors", text)
    assert "| 4 runs | 2 s | 1.25 s | 2 | 1.6× | 80 % |" in text
    assert "| at ≥ 50 % of the peak of all cores | MLP on MNIST, 4,000 images | 25 % | no |" in text
    assert "CNN" not in text.partition("## Aims")[2].partition("## MLP")[0]  # not measured: no line


def test_tables_have_as_many_cells_as_heads(results):
    for block in re.findall(r"(?:^\|.*\n?)+", render(results), re.MULTILINE):
        assert len({line.count("|") for line in block.strip().splitlines()}) == 1, block


def test_the_limit_of_small_nets_is_worked_out(results):
    times = {"ours": 0.05, "ours-one-core": 0.08, "floor": 0.02}
    small = {name: contender([seconds], losses=[[]]) for name, seconds in times.items()}
    results["comparisons"]["small-8"] = results["comparisons"]["mlp"] | {"contenders": small}
    small["homework"] = contender([1.0], losses=[[]])
    small["jax"], small["jax-two"] = (contender([s], 2, losses=[[]], compile_seconds=4.0) for s in (1.0, 0.3))
    text = render(results)
    assert "take torch 20 ms a net, 25 % of what netclaims takes there." in text
    assert "| small nets ≥ 1.5× JAX, both compiled before | MLP on MNIST, 4,000 images | 3× | yes |" in text
    assert "| small nets ≥ 5× JAX with its compilation | MLP on MNIST, 4,000 images | 43× | yes |" in text


def test_agreement_counts_standard_errors():
    assert agreement([1.0, 3.0], [0.0, 2.0]) == pytest.approx(1 / 2**0.5)


def test_the_figure_has_a_panel_for_every_setting(results):
    figure = draw_scaling(results["comparisons"]["curves"])
    assert [axes.get_xlabel() for axes in figure.axes] == list(AXES.values())
    for axes in figure.axes:
        assert {line.get_label() for line in axes.lines} == set(LINES.values())
        assert axes.lines[1].get_ydata().tolist() == [1.1, 10.5]


@pytest.mark.parametrize("words", [["nonsense"], ["small", "nonsense"]])
def test_a_wrong_name_is_refused_in_one_line(words, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["benchmarks", *words])
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == f"no comparison 'nonsense'; there are {', '.join(COMPARISONS)}"
    assert not list(tmp_path.iterdir())


def test_a_peer_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["benchmarks", "small"])
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    with pytest.raises(SystemExit, match=r"small: needs jax: pip install -r benchmarks/requirements\.txt"):
        command.main()


def test_mnist_that_is_not_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["benchmarks", "processes", "--mnist", str(tmp_path / "nowhere")])
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    with pytest.raises(SystemExit, match="no such file"):
        command.main()
