"""What makes each stage run again and what does not: everything that can change, over the whole pipeline.

DVC is asked, in a copy in which every stage is as if it had just run, with a word in place of nets and data: nothing
is trained. What it should say follows from the code and the reports, not from dvc.yaml. Coarse on purpose:

- A stage depends on every folder of the package of which its script imports something, by itself or through others, and
  on no other. A module of such a folder that it happens not to import reruns it too, so that none can be forgotten.
- The stages that read all reports (check, docs, claims, ledger, report) rerun whatever changes in reports/, which takes
  seconds. All others depend on their own entry alone.
- Data are prepared again when any data set or the row of data of the scale changes; what comes out the same, nothing
  follows.
"""

import contextlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from netclaims.settings.check import settings_files

from netclaims.review.changes import flat
from tests.pipeline.conftest import Clone
from tests.pipeline.facts import (
    ALL,
    DATA,
    IN_BATCHES,
    KINDS,
    OWN_REPLICAS,
    RANDOM,
    REPORTS,
    ROOT,
    TRAINING,
    analyses,
    imported,
    kind,
    trainings,
)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC's own code

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
READ_ALL_REPORTS = {"check", "docs", "claims", "ledger", "report"}
READ_ALL_PARAMS = {"check", "report"}


class Settled:
    """A copy of the repository in which DVC takes every stage for just run."""

    def __init__(self, clone: Clone) -> None:
        self.folder = clone.folder
        with contextlib.chdir(self.folder):
            for path, text in settings_files():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        self.repo = Repo(str(self.folder))
        for out in self.repo.index.outs:
            if not out.exists:
                self._make(Path(out.fs_path))
        for stage in self.repo.index.stages:
            stage.save_deps()
        others = {self.folder / ".git", self.folder / ".dvc" / "tmp"}
        paths = [path for path in self.folder.rglob("*") if path.is_file() and not others & {*path.parents}]
        self.files = sorted(path.relative_to(self.folder).as_posix() for path in paths)

    @staticmethod
    def _make(path: Path) -> None:
        file = path if path.suffix or path.name.startswith(".") else path / "content"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path.name, encoding="utf-8")

    def reruns(self, *edited: str) -> dict[str, set[str]]:
        """The stages that DVC would run as one of these files has changed, or any, and what of it concerns them.

        That is the path of the dependency, or the names of parameters. DVC is asked about every dependency that is one
        of the files or holds it, once where stages share it.
        """
        paths = [self.folder / name for name in edited]
        asked: dict[tuple, set[str]] = {}
        found: dict[str, set[str]] = {}
        for stage in self.repo.index.stages:
            for dep in stage.deps:
                at = Path(dep.fs_path)
                if not edited or any(path.is_relative_to(at) for path in paths):
                    which = (at, repr(dep.hash_info))
                    if which not in asked:
                        (how,) = dep.status().values() or [{}]
                        asked[which] = set(how) if isinstance(how, dict) else {at.relative_to(self.folder).as_posix()}
                    if asked[which]:
                        found.setdefault(stage.name, set()).update(asked[which])
        return found

    @contextlib.contextmanager
    def edited(self, name: str, content: bytes | None = None) -> Iterator[None]:
        """A file with other content for as long as this lasts, by one byte more unless it is given."""
        path = self.folder / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n" if content is None else content)
        try:
            yield
        finally:
            path.write_bytes(before)


@pytest.fixture(scope="module")
def settled(tmp_path_factory) -> Iterator[Settled]:
    found = Settled(Clone.of_the_working_tree(tmp_path_factory.mktemp("settled")))
    yield found
    found.repo.close()


# ------------------------------------------------------------------------------------------------------------- files

UNITS = {name: {path.relative_to(ROOT / "src" / "netclaims").parts[0]
                for path in imported(ROOT / "stages" / f"{name}.py", set())} for name in map(kind, ALL)}  # fmt: skip


def readers(name: str) -> set[str]:
    """The stages that a file concerns, by the code and the reports."""
    match Path(name).parts:
        case ("src", "netclaims", unit, *_):
            return {stage for stage in ALL if unit in UNITS[kind(stage)]}
        case ("stages", "netclaims"):  # a link to the package
            return set()
        case ("stages", script):
            return {stage for stage in ALL if kind(stage) == Path(script).stem}
        case ("params.yaml",):
            return READ_ALL_PARAMS
        case ("reports", _):
            return READ_ALL_REPORTS
        case ("data", ".checked"):
            return DATA | {"docs"}
        case ("data", "settings", section, entry):
            return {stage_of(section, Path(entry).stem)}
        case ("data", data, _):
            trained = trainings(lambda entry: entry["data"] == data)
            tables_alone = ("gradient@", "hessian@")  # the latter works out the points that its nets were trained on
            return trained | {stage for stage in analyses(trained) if not stage.startswith(tables_alone)}
        case ("runs", key, _):
            return {"claims"} | analyses({f"train@{key}"})
        case ("runs", _):  # of single replicas, by an analysis
            return {"claims"}
        case ("metrics", report, numbers):
            trained = analyses({f"train@{numbers.removesuffix('.json')}"})
            return {"claims", f"figures@{report}", "report"} | trained
        case ("metrics", "claims.json") | ("plots", "claims.csv"):
            return {"ledger", "report"}
        case ("metrics", _) | ("plots", "figures", *_):
            return {"report"}
        case ("plots", report, *_):
            return {f"figures@{report}", "report"}
    return set()


def stage_of(section: str, key: str) -> str:
    """The stage that an entry of a report is for."""
    return f"{'train' if section == 'experiments' else section}@{key}"


def part_of(name: str) -> str:
    """The folder at the root that a file lies in, if stages read any there."""
    folder = name.partition("/")[0]
    return folder if folder in PARTS else "elsewhere"


PARTS = ["data", "metrics", "plots", "reports", "runs", "src", "stages", "elsewhere"]


@pytest.mark.parametrize("part", PARTS)
def test_a_file_reruns_the_stages_that_read_it(settled, part):
    names = [name for name in settled.files if part_of(name) == part]
    assert len(names) > 4
    if part == "plots":  # hundreds, of which stages read whole folders
        names = list({Path(name).parent: name for name in names}.values())
    wrong = {}
    for name in names:
        with settled.edited(name):
            found = set(settled.reruns(name))
        if found != readers(name):
            wrong[name] = {"runs": found - readers(name), "does not run": readers(name) - found}
    assert wrong == {}


def test_every_stage_reads_some_of_these_files(settled):
    assert len(settled.files) > 500
    assert {stage for name in settled.files for stage in readers(name)} == ALL


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("src/netclaims/learn/new.py", readers("src/netclaims/training/runs.py")),
        ("src/netclaims/present/templates/new.css", readers("src/netclaims/present/style.py")),
        ("src/netclaims/learn/__pycache__/plan.cpython-311.pyc", set()),
        ("src/netclaims/new.py", set()),
        ("src/netclaims.egg-info/PKG-INFO", set()),
        ("reports/new.yaml", READ_ALL_REPORTS),
        ("metrics/new.json", {"report"}),
        ("metrics/d/new.json", {"claims", "figures@d", "report"}),
        ("data/torchvision/new", set()),
        ("runs/new/nets.csv", {"claims"}),
        ("checkpoints/d-capacity/new", set()),
    ],
)
def test_a_new_file_reruns_the_stages_that_read_its_folder(settled, name, expected):
    path = settled.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    found = set(settled.reruns(name))
    path.unlink()
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # it was new as well
    assert found == expected


# -------------------------------------------------------------------------------------------------------- parameters


def followers(name: str) -> set[str]:
    """The stages that a parameter concerns, besides those that read all of params.yaml."""
    chosen = f"scales.{PARAMS['scale']}"
    match name.removeprefix(f"{chosen}.").split("."):
        case ["seed"]:
            return TRAINING | RANDOM | {"claims"}
        case ["batch_size"]:
            return IN_BATCHES
        case ["replicas"]:
            return TRAINING - OWN_REPLICAS
        case ["scale"]:
            return DATA | TRAINING | {"claims"}
        case ["max_replicas" | "train_seconds"]:
            return TRAINING
        case ["data", _] | ["datasets", *_]:  # some seconds, and what they write is mostly the same
            return DATA
    return set()


@pytest.mark.parametrize("name", flat(PARAMS))
def test_a_parameter_reruns_the_stages_that_follow_it(settled, name):
    content = yaml.safe_load((settled.folder / "params.yaml").read_text(encoding="utf-8"))
    *above, last = name.split(".")
    block = content
    for key in above:
        block = block[key]
    block[last] = f"not {block[last]}" if isinstance(block[last], str) else block[last] + 1
    with settled.edited("params.yaml", yaml.safe_dump(content).encode()):
        found = settled.reruns("params.yaml")
    assert set(found) == followers(name) | READ_ALL_PARAMS
    told = set().union(*found.values()) - {"params.yaml"}
    assert all(name == one or name.startswith(f"{one}.") for one in told)


def test_nothing_else_in_params_counts(settled):
    """Comments, the order of knobs, a new scale, a new data set that no scale uses yet."""
    content = yaml.safe_load((settled.folder / "params.yaml").read_text(encoding="utf-8"))
    content["scales"]["another"] = content["scales"]["paper"]
    with settled.edited("params.yaml", yaml.safe_dump(content, sort_keys=True).encode()):
        assert set(settled.reruns("params.yaml")) == READ_ALL_PARAMS


# ----------------------------------------------------------------------------------------------------------- entries


def after_check(settled: Settled, contents: dict[str, dict]) -> dict[str, set[str]]:
    """The stages that DVC would run, and why, when reports have other contents and the stage check has run."""
    with contextlib.ExitStack() as edits, contextlib.chdir(settled.folder):
        for report, content in contents.items():
            text = yaml.dump(content, Dumper=DUMPER, sort_keys=False)
            edits.enter_context(settled.edited(f"reports/{report}.yaml", text.encode()))
        written = []
        for path, text in settings_files():
            if path.read_text(encoding="utf-8") != text:
                edits.enter_context(settled.edited(path.as_posix(), text.encode()))
                written.append(path.as_posix())
        return settled.reruns(*(f"reports/{report}.yaml" for report in contents), *written)


def stage_and_entry(section: str, key: str) -> tuple[str, set[str]]:
    """The stage that an entry is for, and the file in which it sees it."""
    return stage_of(section, key), {f"data/settings/{section}/{key}.json"}


def edited(content: dict, section: str, keys: list[str]) -> dict:
    """A report with one setting more in these entries."""
    entries = content.get(section, {})
    return content | {section: entries | {key: entries[key] | {"edited": True} for key in keys}}


DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
SECTIONS = ["experiments", *KINDS, "figures", "results", "claims"]
READING = {stage: {"reports"} for stage in READ_ALL_REPORTS}


def test_the_reports_have_these_sections():
    assert {section for content in REPORTS.values() for section in content} == set(SECTIONS)


@pytest.mark.parametrize("section", ["experiments", *KINDS])
def test_an_entry_of_a_report_reruns_its_stage(settled, section):
    """The first entries of all reports together, then the second ones."""
    entries = {report: list(content.get(section, {})) for report, content in REPORTS.items()}
    rounds = list(zip_longest(*entries.values()))
    assert rounds
    for keys in rounds:
        together = {report: key for report, key in zip(entries, keys, strict=True) if key}
        contents = {report: edited(REPORTS[report], section, [key]) for report, key in together.items()}
        assert after_check(settled, contents) == READING | dict(
            stage_and_entry(section, key) for key in together.values()
        )


@pytest.mark.parametrize("section", ["figures", "results", "claims"])
def test_what_stands_beside_the_stages_of_a_report_trains_and_analyses_nothing(settled, section):
    """All entries of all reports together; those of figures are a file for each report."""
    contents = {name: edited(report, section, list(report.get(section, {}))) for name, report in REPORTS.items()}
    drawn = dict(stage_and_entry(section, report) for report in REPORTS) if section == "figures" else {}
    assert after_check(settled, contents) == READING | drawn


def test_the_wording_of_a_report_counts_for_nothing_but_those_that_read_all(settled):
    """Another order of its sections, and other quotes and indents than those of a person."""
    contents = {report: dict(reversed(content.items())) for report, content in REPORTS.items()}
    assert after_check(settled, contents) == READING


def test_all_is_as_it_was(settled):
    """The last one: DVC takes every stage for just run, again."""
    assert settled.reruns() == {}
