"""Names of entries are part of the commands that DVC gives to a shell."""


def test_a_name_with_a_command_in_it_stops_the_pipeline_before_anything_runs(report_d, tmp_path):
    clone = report_d.copy(tmp_path / "clone")
    name = "d-a; touch ran #"
    clone.edit("reports/d.yaml", "\n  d-capacity:\n    report", f'\n  "{name}":\n    report')
    changed = clone.git("status", "--porcelain")
    result = clone.dvc("repro", f"train@{name}")
    (said,) = [line for line in result.stderr.splitlines() if line.startswith("reports/")]
    assert said == f"reports/d.yaml: experiments.{name}: named d-<name>, of at most 100 letters, digits, _ and -"
    assert result.returncode != 0
    assert clone.git("status", "--porcelain") == changed
    assert not (clone.folder / "ran").exists()
    assert not (clone.folder / "data").exists()
