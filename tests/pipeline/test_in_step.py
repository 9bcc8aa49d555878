"""The committed dvc.lock, metrics and plots are those of the committed code and settings."""


def test_nothing_would_run(clone):
    result = clone.dvc("repro", "--dry", "--allow-missing")
    assert result.returncode == 0, result.stderr
    assert "Running stage" not in result.stdout
    assert "Data and pipelines are up to date." in result.stdout + result.stderr


def test_every_declared_metric_and_plot_is_in_git(clone):
    lock = (clone.folder / "dvc.lock").read_text(encoding="utf-8")
    tracked = clone.git("ls-files", "metrics", "plots").split()
    assert tracked
    assert [path for path in tracked if path.endswith((".json", ".csv")) and f"path: {path}\n" not in lock] == []


def test_a_changed_entry_of_a_report_is_told_with_its_stage(clone):
    clone.edit("reports/d.yaml", "radius: 1.0e-3", "radius: 1.0e-2")
    result = clone.in_step()
    clone.restore()
    assert result.returncode == 1
    told = [line.partition(":")[0] for line in result.stderr.splitlines() if "radius: 0.001 → 0.01" in line]
    assert told == ["hessian@d-minimal-ratio"]
