"""Where the files of an experiment lie."""

from pathlib import Path

import pytest

from netclaims.paths import metrics_of, plots_of, recipe_of, report_of, report_path


@pytest.mark.parametrize("key", ["d-random-labels", "d-a"])
def test_the_files_of_an_experiment_lie_with_its_report(key):
    assert report_of(key) == "d"
    assert report_path(key) == Path("reports/d.yaml")
    assert plots_of(key) == Path("plots/d") / key
    assert metrics_of(key) == Path(f"metrics/d/{key}.json")
    assert metrics_of(key, "hessian") == Path(f"metrics/d/{key}.hessian.json")


def test_a_stage_has_a_recipe_for_each_of_its_keys_or_one_alone():
    assert recipe_of("train", "d-a") == Path("recipes/train/d-a.json")
    assert recipe_of("claims") == recipe_of("claims", None) == Path("recipes/claims.json")
