"""What an entry of `claims:` may say by itself: a mistake is one line, and every spelling that is allowed is read."""

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from netclaims.claims.check_claims import load_claims, nets_of, operands
from netclaims.claims.entries import KINDS, QUOTED_WORDS, Claim
from netclaims.claims.operands import COORDINATE, TABLES, EntryError, Operand, Range
from netclaims.errors import SettingsError

REPORT = Path("reports/d.yaml")
ONE = {"where": {"batch_size": 16}}
LOSS, COURSE = {"of": "nets.test_loss"} | ONE, {"of": "history.test_loss"} | ONE
BY_SIZE = {"of": "nets.test_loss"}
FALLS = {"falls": BY_SIZE, "along": "batch_size"}
HIGHER = {"higher": LOSS, "than": 0}
ALIKE = {"of": LOSS, "to": 1, "within": 0.1}
LOWEST = {"lowest": BY_SIZE, "along": "batch_size", "between": [16, 32]}
VALLEY = {"valley": BY_SIZE, "along": "batch_size"}
COUNTS = {"computed": {"counted": "parameters('A')"}, "holds": "counted == 7850"}
TESTS = {
    "trend": FALLS, "ordering": HIGHER, "equivalence": ALIKE, "extreme": LOWEST, "shape": VALLEY, "arithmetic": COUNTS,
    "definition": "So the word is defined.", "untestable": "Nobody made that run.",
}  # fmt: skip
ABOUT = {"report": "d", "quote": "it falls", "part": "3-3", "experiment": "d-nets", "question": "capacity",
         "answer": "it does", "figure": "loss", "read": "As it says."}  # fmt: skip


@pytest.fixture(scope="module")
def load(checked, entry):
    """Reads one claim as it stands in `reports/d.yaml`, on an experiment with tables of every kind."""
    nets = {"batch_size": None, "against": "batch_size"}
    nets |= {"sweep": {"batch_size": [16, 32, 64]}, "record": {"gradient_norm": "step"}}
    content = {
        "experiments": {"d-nets": entry(**nets)},
        "figures": {"d-nets": {"nets": "d-nets", "draw": {"loss": {}}}},
    }
    content |= {name: {"d-nets": {"nets": "d-nets", "alpha": [0.5, 1], "examples": 5}} for name in list(TABLES)[3:]}
    experiments = {"d-nets": checked(**nets)}

    def read(changes, key="d-claim") -> Claim:
        claim = {name: value for name, value in (ABOUT | changes).items() if value is not None}
        return load_claims(REPORT, content | {"claims": {key: claim}}, experiments)[key]

    return read


@pytest.fixture(scope="module")
def fault(load):
    """The one line that is said of a mistake, from the claim's name on."""

    def said(changes, key="d-claim") -> str:
        with pytest.raises(SettingsError) as caught:
            load(changes, key)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(f"{REPORT}: claims.{key}")
        return message.removeprefix(f"{REPORT}: claims.{key}")

    return said


# -------------------------------------------------------------------------------------------------------- whole claims


@pytest.mark.parametrize("kind", TESTS)
def test_every_kind_of_test_is_one_of_its_own(kind, load):
    claim = load({kind: TESTS[kind]})
    assert claim.kind == kind
    assert len(claim.comparisons) == (kind in KINDS)


def test_several_comparisons_come_kind_by_kind_and_one_is_a_list_of_one(load):
    claim = load({"shape": VALLEY, "ordering": [HIGHER, HIGHER | {"than": 1}], "trend": FALLS})
    assert [type(comparison) for comparison in claim.comparisons] == [
        KINDS[name] for name in ("trend", "ordering", "ordering", "shape")
    ]
    assert [comparison.than for comparison in claim.comparisons[1:3]] == [[0], [1]]
    assert claim.kind == "trend"
    assert load({"trend": FALLS}) == load({"trend": [FALLS]})


@pytest.mark.parametrize("name", ["report", "quote", "part", "experiment", "question", "answer", "read"])
def test_what_a_claim_has_to_say(name, fault):
    assert fault({"trend": FALLS, name: None}) == f".{name}: required, and not there"
    assert fault({"trend": FALLS, name: 3}).startswith(f".{name}: input should be a valid string (found 3)")


@pytest.mark.parametrize("name", ["quote", "part", "question", "answer", "read", "definition", "untestable"])
def test_words_that_are_said_are_not_empty(name, fault):
    test = {} if name in TESTS else {"trend": FALLS}
    assert fault(test | {name: ""}).startswith(f".{name}: ")


def test_a_quote_is_short(load, fault):
    words = " ".join(["word"] * QUOTED_WORDS)
    assert load({"trend": FALLS, "quote": words}).quote == words
    assert fault({"trend": FALLS, "quote": f"{words} more"}) == f".quote: at most 12 words (found '{words} more')"


@pytest.mark.parametrize("kinds", [[], ["arithmetic", "untestable"], *([kind, "definition"] for kind in [*TESTS][:-2]),
                                   ["untestable", "definition"], ["trend", "shape", "arithmetic"]])  # fmt: skip
def test_a_claim_is_tested_one_way(kinds, fault):
    allowed = "ordering, equivalence, extreme, shape, arithmetic, definition or untestable"
    assert fault({kind: TESTS[kind] for kind in kinds}) == f".trend: give it or {allowed}"


@pytest.mark.parametrize("kind", TESTS)
def test_a_comparison_has_a_figure_and_other_tests_need_none(kind, load, fault):
    if kind in KINDS:
        assert fault({kind: TESTS[kind], "figure": None}).startswith(".figure: required, the figure in which ")
    else:
        assert load({kind: TESTS[kind], "figure": None}).figure is None


# The claim's name is an anchor on a page, too.
@pytest.mark.parametrize("key", ["claim", "e-claim", "d", "d-", "d-a claim", 'd-"', "d-a#b", 3])
def test_a_claim_is_named_after_its_report(key, fault):
    assert fault({"trend": FALLS}, key) == ": named <report>-<name>, with report: d"


def test_a_claim_of_another_report_is_in_the_wrong_file(fault):
    assert fault({"trend": FALLS, "report": "e"}) == ": named <report>-<name>, with report: d"


# ------------------------------------------------------------------------------------------------------------ mistakes


def higher(**changes) -> dict:
    return {"ordering": HIGHER | {"higher": LOSS | changes}}


def course(**changes) -> dict:
    return higher(**COURSE, **changes)


SERIES = "history.test_loss is a series: say what to take of it"
WHOLE = "epoch is the course of the series, of which nothing is left to take"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trand": FALLS}, ".trand: unknown key"),
        ({"trend": 3}, ".trend: input should be a valid list (found 3)"),
        ({"trend": []}, ".trend: value should have at least 1 item"),
        ({"trend": [FALLS, FALLS | {"along": 3}]}, ".trend.1.along: input should be a valid string (found 3)"),
        ({"trend": FALLS, "needs": {"epochs": 0}}, ".needs.epochs: input should be greater than or equal to 1 "),
        ({"trend": FALLS, "needs": {}}, ".needs.epochs: required, and not there"),
        # two directions, or none
        ({"trend": FALLS | {"rises": LOSS}}, ".trend.rises: give one of rises, falls (found rises, falls)"),
        ({"ordering": HIGHER | {"lower": LOSS}}, ".ordering.higher: give one of higher, lower (found higher, lower)"),
        ({"extreme": LOWEST | {"highest": LOSS}}, ".extreme.lowest: give one of lowest, highest (found lowest, h"),
        ({"shape": VALLEY | {"peak": LOSS}}, ".shape.valley: give one of valley, peak (found valley, peak)"),
        ({"trend": {"along": "batch_size"}}, ".trend.rises: give one of rises, falls (found none)"),
        ({"ordering": {"than": 0}}, ".ordering.higher: give one of higher, lower (found none)"),
        ({"extreme": {"along": "epoch", "between": [0, 1]}}, ".extreme.lowest: give one of lowest, highest (found n"),
        ({"shape": {"along": "batch_size"}}, ".shape.valley: give one of valley, peak (found none)"),
        # operands
        (higher(of=None), ".ordering.higher.of: input should be a valid string (found None)"),
        (higher(of="loss"), ".ordering.higher.of: string should match pattern "),
        (higher(of="nets.test.loss"), ".ordering.higher.of: string should match pattern "),
        (higher(of="net.loss"), f".ordering.higher.of: no table 'net'; there are {', '.join(TABLES)} (found "),
        (higher(off="nets.loss"), ".ordering.higher.off: unknown key"),
        (higher(take="end"), ".ordering.higher.take: goes with a table of series: history, steps, pca, interpolate"),
        (higher(until={"below": 1}), ".ordering.higher.take: goes with a table of series: history, steps, "),
        (higher(during=[0, 0.5]), ".ordering.higher.take: goes with a table of series: history, steps, "),
        (course(), f".ordering.higher: {SERIES}"),
        (course(during=[0, 0.1]), f".ordering.higher: {SERIES}"),
        (course(take="last"), ".ordering.higher.take: input should be 'start', 'end', 'lowest', 'highest', "),
        (course(take="end", until={"below": 1}), ".ordering.higher.until: give it or take, not both"),
        (course(until={}), ".ordering.higher.until.below: give one of below, above, fallen (found none)"),
        (course(until={"below": 1, "fallen": 1}),
         ".ordering.higher.until.below: give one of below, above, fallen (found below, fallen)"),
        (higher(over=3), ".ordering.higher.over: input should be a valid string (found 3)"),
        (course(over="batch_size", take="end"),
         ".ordering.higher.over: history has a series along epoch already"),
        (higher(over="batch_size"), ".ordering.higher: nets.test_loss is a series: say what to take of it"),
        (course(until={"fallen": 95}), ".ordering.higher.until.fallen: input should be less than or equal to 1"),
        (course(until={"within": 0.1}), ".ordering.higher.until.within: unknown key"),
        (course(take="end", during=[0.5, 0.5]),
         ".ordering.higher.during: from a smaller to a larger share (found [0.5, 0.5])"),
        (course(take="end", during=[0.5, 5]), ".ordering.higher.during.1: input should be less than or equal to 1"),
        (course(take="end", during=[-1, 1]), ".ordering.higher.during.0: input should be greater than or equal "),
        (course(take="end", during=[0.5]), ".ordering.higher.during: list should have at least 2 items"),
        (course(take="end", during=[0, 0.5, 1]), ".ordering.higher.during: list should have at most 2 items"),
        (higher(where=["model"]), ".ordering.higher.where: input should be a valid dictionary (found ['model'])"),
        (higher(where={"epoch": {"form": 1}}), ".ordering.higher.where.epoch.form: unknown key"),
        (higher(where={"epoch": {"from": "one"}}), ".ordering.higher.where.epoch.from: input should be a valid number"),
        (higher(where={"epoch": {"from": 2, "to": 1}}), ".ordering.higher.where.epoch.from: a smaller value than to"),
        # the other side
        ({"ordering": {"higher": LOSS}}, ".ordering.than: required, and not there"),
        ({"ordering": HIGHER | {"than": []}}, ".ordering.than: value should have at least 1 item"),
        ({"ordering": HIGHER | {"than": COURSE}}, f".ordering.than: {SERIES}"),
        ({"ordering": HIGHER | {"than": COURSE | {"take": "last"}}}, ".ordering.than.take: input should be 'start', "),
        ({"ordering": HIGHER | {"than": [1, LOSS | {"off": 1}]}}, ".ordering.than.1.off: unknown key"),
        ({"ordering": HIGHER | {"than": "much"}}, ".ordering.than: input should be a valid "),
        ({"ordering": HIGHER | {"ratio": "yes"}}, ".ordering.ratio: input should be a valid boolean (found 'yes')"),
        ({"ordering": HIGHER | {"each": "model"}}, ".ordering.each: input should be a valid list (found 'model')"),
        ({"ordering": HIGHER | {"along": "epoch"}}, ".ordering.along: unknown key"),
        ({"equivalence": ALIKE | {"to": COURSE}}, f".equivalence.to: {SERIES}"),
        ({"equivalence": ALIKE | {"of": COURSE}}, f".equivalence.of: {SERIES}"),
        ({"equivalence": ALIKE | {"to": {"of": "net.loss"}}}, ".equivalence.to.of: no table 'net'; there are nets, "),
        ({"equivalence": ALIKE | {"within": 0}}, ".equivalence.within: input should be greater than 0 (found 0)"),
        ({"equivalence": {"of": LOSS, "to": 1}}, ".equivalence.within: give one of within, beyond (found none)"),
        ({"equivalence": ALIKE | {"beyond": 1}}, ".equivalence.within: give one of within, beyond (found within, "),
        # along
        ({"trend": {"falls": LOSS}}, ".trend.along: required, and not there"),
        ({"trend": {"falls": COURSE | {"take": "end"}, "along": "epoch"}},
         f".trend.along: {WHOLE}"),
        ({"extreme": LOWEST | {"lowest": COURSE | {"take": "end"}, "along": "epoch"}},
         f".extreme.along: {WHOLE}"),
        ({"shape": VALLEY | {"valley": COURSE | {"until": {"below": 1}}, "along": "epoch"}},
         f".shape.along: {WHOLE}"),
        ({"extreme": LOWEST | {"lowest": COURSE}}, f".extreme.lowest: {SERIES}"),
        ({"shape": VALLEY | {"valley": COURSE}}, f".shape.valley: {SERIES}"),
        ({"extreme": LOWEST | {"between": [32, 16]}}, ".extreme.between: from a smaller to a larger value (found [3"),
        ({"extreme": LOWEST | {"between": [16]}}, ".extreme.between: list should have at least 2 items"),
        # each place of a series
        ({"ordering": HIGHER | {"higher": COURSE | {"take": "end"}, "each": ["epoch"]}},
         ".ordering.higher: history.test_loss has each of its places"),
        # arithmetic
        ({"arithmetic": {"holds": "1 == 1"}}, ".arithmetic.computed: required, and not there"),
        ({"arithmetic": {"computed": {}, "holds": "1 == 1"}}, ".arithmetic.computed: dictionary should have "),
        ({"arithmetic": {"computed": {"a b": 1}, "holds": "1 == 1"}}, ".arithmetic.computed.a b: string should "),
        ({"arithmetic": {"computed": {"a": 1}}}, ".arithmetic.holds: required, and not there"),
        ({"arithmetic": {"computed": {"a": 1}, "holds": True}}, ".arithmetic.holds: input should be a valid "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_mistake_is_one_line(changes, message, fault):
    assert fault(changes).startswith(message)


# ----------------------------------------------------------------------------------------------------- valid spellings

WORDS = {"function", "model", "optimiser", "equal", "scope", "region", "split", "kind", "pair", "diverged"}
ELSEWHERE = {"learning_rate", "shuffle_labels"}  # courses have the settings that the experiment varies
COLUMNS = {name: {column.name for column in table.columns if column.offered} for name, table in TABLES.items()}
COLUMN = {name: sorted(columns - WORDS - ELSEWHERE) for name, columns in COLUMNS.items()}
for name in ("nets", "history", "sensitivity", "pca"):
    COLUMN[name].remove("gradient_norm")  # recorded step by step
COLUMN["history"].remove("gradient_norm_spike")
AMOUNT = st.sampled_from([0.01, 1, 25, 1e-3, 2.5e2])
LIMIT = st.sampled_from([-1, 0, 0.5, 3, 1e-3])
SIDE = st.one_of(
    st.fixed_dictionaries({"from": st.sampled_from([0, 2.5])}, optional={"to": st.sampled_from([10000, 1e4])}),
    st.fixed_dictionaries({"to": st.sampled_from([10000, 1e4])}),
)
WHERE = {
    "model": st.sampled_from(["A", ["A"]]), "split": st.sampled_from(["train", ["train", "test"]]),
    "batch_size": st.sampled_from([16, 64.0, [16, 64]]), "equal": st.just("epochs"), "region": st.just("edges"),
    "parameters": SIDE, "epoch": st.one_of(SIDE, st.sampled_from([1, [1, 2]])),
}  # fmt: skip
TAKEN = st.one_of(
    st.fixed_dictionaries({
        "take": st.sampled_from(["start", "end", "lowest", "growth", "gain", "mean", "swing", "turns"]),
    }),
    st.fixed_dictionaries({"until": st.one_of(
        st.fixed_dictionaries({"below": LIMIT}), st.fixed_dictionaries({"above": LIMIT}),
        st.fixed_dictionaries({"fallen": st.sampled_from([0.5, 1])}),
    )}),
)  # fmt: skip


@st.composite
def numbers(draw, table=None) -> dict:
    """An operand that comes to a number for every replica."""
    table = table or draw(st.sampled_from(list(TABLES)))
    found = {"of": f"{table}.{draw(st.sampled_from(COLUMN[table]))}"}
    where = {name: values for name, values in WHERE.items() if name in COLUMNS[table]}
    found |= draw(st.fixed_dictionaries({}, optional={"where": st.fixed_dictionaries({}, optional=where)}))
    if table in COORDINATE:
        found |= draw(TAKEN)
        found |= draw(st.fixed_dictionaries({}, optional={"during": st.sampled_from([[0, 0.1], [0.5, 1], [1e-1, 1]])}))
    return found


@st.composite
def comparisons(draw, kind) -> dict:
    table = draw(st.sampled_from(list(TABLES)))
    one = numbers(table)
    each = {"each": st.lists(st.sampled_from(sorted(COLUMNS[table] & {"model", "replica"})), max_size=2)}
    ratio = {"ratio": st.booleans()}
    along = st.sampled_from(sorted(set(COLUMN[table]) - {COORDINATE.get(table)}))
    match kind:
        case "trend":
            found = {"along": along, draw(st.sampled_from(["rises", "falls"])): one}
        case "ordering":
            side = st.one_of(LIMIT, numbers(table))
            found = {
                draw(st.sampled_from(["higher", "lower"])): one,
                "than": st.one_of(side, st.lists(side, min_size=1)),
            }
            each |= ratio
        case "equivalence":
            found = {
                "of": one,
                "to": st.one_of(LIMIT, numbers(table)),
                draw(st.sampled_from(["within", "beyond"])): AMOUNT,
            }
            each |= ratio
        case "extreme":
            ends = st.sampled_from([[1, 1], [0, 3.5], [1e-3, 1e3]])
            found = {"along": along, "between": ends, draw(st.sampled_from(["lowest", "highest"])): one}
        case "shape":
            found = {"along": along, draw(st.sampled_from(["valley", "peak"])): one}
            each["log"] = st.booleans()
    return draw(st.fixed_dictionaries(found, optional=each))


@st.composite
def entries(draw) -> dict:
    """Comparisons of one or several kinds, one or several of each."""
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=2, unique=True))
    return {
        kind: draw(st.one_of(comparisons(kind), st.lists(comparisons(kind), min_size=1, max_size=2))) for kind in kinds
    }


QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(changes=entries())
def test_whatever_is_spelled_right_is_read_as_it_is_written(changes):
    claim = Claim.model_validate(ABOUT | changes)
    assert claim.kind == next(kind for kind in KINDS if kind in changes)
    for kind, written in changes.items():
        read = getattr(claim, kind)
        written = written if isinstance(written, list) else [written]
        assert len(read) == len(written)
        for one, other in zip(read, written, strict=True):
            assert [_plain(operand) for operand in operands(one)] == [
                _floats(operand) for operand in _operands_in(other)
            ]
            assert one.each == other.get("each", [])
            down = {"falls", "lower", "lowest", "peak"} & set(other)
            assert getattr(one, "sign", None) == (None if kind == "equivalence" else -1 if down else 1)


def _operands_in(comparison: dict) -> list[dict]:
    """In the order in which the settings name them."""
    names = ["rises", "falls", "higher", "lower", "of", "lowest", "highest", "valley", "peak", "than", "to"]
    values = [comparison[name] for name in names if name in comparison]
    return [v for value in values for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]


def _plain(operand: Operand) -> dict:
    found = operand.model_dump(by_alias=True, exclude_none=True)
    return {name: value for name, value in found.items() if value != {}}


def _floats(value):
    """What is written, its numbers as numbers."""
    if isinstance(value, dict):
        return {name: _floats(part) for name, part in value.items() if part != {}}
    if isinstance(value, list):
        return [_floats(part) for part in value]
    try:
        return float(value)
    except ValueError:
        return value


def _blocks(value, path=()) -> list[tuple]:
    """The places of all blocks of settings in an entry; what is in `where` may have any name."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    free = path[-1:] == ("where",)
    own = [path] if isinstance(value, dict) and not free else []
    return own + [found for name, part in parts for found in _blocks(part, (*path, name))]


def _at(value, path):
    for name in path:
        value = value[name]
    return value


@QUICK
@given(changes=entries(), data=st.data())
def test_a_key_that_nothing_knows_is_told_with_its_place(fault, changes, data):
    path = data.draw(st.sampled_from([path for path in _blocks(changes) if path]))
    changes = deepcopy(changes)
    _at(changes, path)["extra"] = 1
    assert fault(changes) == f".{'.'.join(map(str, path))}.extra: unknown key"


@QUICK
@given(changes=entries(), data=st.data())
def test_an_operand_of_another_kind_of_table_is_told(fault, changes, data):
    changes = deepcopy(changes)
    taken = {path: block for path in _blocks(changes) if {"take", "until"} & {*(block := _at(changes, path))}}
    assume(taken)
    path = data.draw(st.sampled_from(list(taken)))
    block = taken[path]
    block["of"] = "nets.test_loss"
    block["where"] = {}
    message = f".{'.'.join(map(str, path))}.take: goes with a table of series: history, steps, pca, interpolate"
    assert fault(changes) == message


@pytest.mark.parametrize(
    "wanted", ["A", ["A"], 3, [1, 2], {"from": 1}, {"to": 2}, {"from": 1, "to": 2}, {"from": 1, "to": 1}]
)
def test_rows_are_picked_by_values_or_by_a_range(wanted):
    found = Operand.model_validate({"of": "nets.test_loss", "where": {"any": wanted}}).where["any"]
    if isinstance(wanted, dict):
        assert found == Range.model_validate(wanted)
        assert (found.from_, found.to) == (wanted.get("from"), wanted.get("to"))
    else:
        assert found == wanted


@pytest.mark.parametrize(("written", "read"), [(50, 50.0), ([1, 0.01], [1.0, 0.01]), ("A1", "A1"),
                                               ("layer 1", "layer 1"), ("50", "50")])  # fmt: skip
def test_what_a_column_holds_is_a_number_or_a_word(written, read):
    assert Operand.model_validate({"of": "nets.test_loss", "where": {"learning_rate": written}}).where == {
        "learning_rate": read
    }


@pytest.mark.parametrize(("table", "coordinate"), [
    ("nets", None), ("history", "epoch"), ("steps", "step"), ("fit", None), ("pca", "epoch"), ("hessian", None),
    ("interpolate", "alpha"), ("sensitivity", None),
])  # fmt: skip
def test_an_operand_is_a_number_or_a_series(table, coordinate):
    whole = Operand.model_validate({"of": f"{table}.loss"})
    assert (whole.table, whole.column, whole.coordinate) == (table, "loss", coordinate)
    assert whole.is_number == (coordinate is None)
    if coordinate:
        assert not Operand.model_validate({"of": f"{table}.loss", "during": [0, 1]}).is_number
        for taken in ({"take": "rise"}, {"until": {"above": 0}}):
            assert Operand.model_validate({"of": f"{table}.loss"} | taken).is_number


@pytest.mark.parametrize("along", ["epoch", "train_loss"])
def test_the_course_of_a_series_needs_nothing_taken(along, load):
    (trend,) = load({"trend": {"rises": COURSE | {"during": [0, 0.1]}, "along": along}}).comparisons
    assert (trend.along, trend.operand.take, trend.sign) == (along, None, 1)


@pytest.mark.parametrize(("kind", "test"), [("extreme", LOWEST | {"lowest": COURSE, "along": "epoch"}),
                                            ("shape", VALLEY | {"valley": COURSE, "along": "epoch"}),
                                            ("ordering", HIGHER | {"higher": COURSE, "each": ["epoch"]})])  # fmt: skip
def test_places_along_a_series_need_nothing_taken(kind, test, load):
    assert load({kind: test}).kind == kind


def test_either_margin_is_the_margin(load):
    within, beyond = (
        load({"equivalence": {"of": LOSS, "to": 1, name: 0.5}}).comparisons[0] for name in ("within", "beyond")
    )
    assert (within.margin, beyond.margin) == (0.5, 0.5)
    assert (within.within, beyond.within) == (0.5, None)


# ---------------------------------------------------------------------------------------------------------- whose nets

CONTENT = {
    "experiments": {"d-nets": {}, "d-both": {}},
    "interpolate": {"d-line": {"nets": "d-nets"}, "d-both": {"nets": "d-nets"}},
    "pca": None,
    "figures": {"d-line": {"nets": "d-nets", "draw": {}}},
    "results": {"d-line": {"nets": {"nets": "d-both"}}, "d-result": {"nets": {}}},
    "claims": {"d-claim": {"experiment": "d-line"}},
}


@pytest.mark.parametrize(
    ("key", "nets"),
    [("d-nets", "d-nets"), ("d-both", "d-both"), ("d-line", "d-nets")],
)
def test_an_analysis_looks_at_the_nets_that_its_entry_names(key, nets):
    assert nets_of(key, CONTENT) == nets


@pytest.mark.parametrize("key", ["d-other", "d-claim", "d-result", "experiments"])
def test_what_is_neither_an_experiment_nor_an_analysis_has_no_nets(key):
    with pytest.raises(EntryError, match=rf"^experiment: no '{key}'; there are d-nets, d-both, "):
        nets_of(key, CONTENT)
