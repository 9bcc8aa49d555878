# Two commands do everything on a machine with Python >= 3.11, git and make:
#   make repro   run the whole pipeline at the scale of params.yaml
#   make test    lint, and run the tests
.PHONY: setup kernel repro paper report report-new experiments review in-step test test-all bench lint lock licences audit

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
PLOTS := .dvc/plots.html
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

setup: $(READY) $(PLOTS) kernel

# pip would compile all modules one after another, in most of a minute; some packages have files that do not compile.
$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netclaims needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --no-compile -r requirements.txt
	$(VENV)/bin/pip install --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e .
	$(VENV)/bin/python -m compileall -qq -j 0 -x /tests/ $(VENV)/lib || true
	touch $(READY)

# The kernel that trains small dense nets: compiled once for all processes, some seconds, unless it is there already.
kernel: $(READY)
	python -m netclaims.kernel.compiled

# The page of `dvc plots`, with Vega in it. Told to DVC in the file of this clone: a page that is missing is an error.
$(PLOTS): $(READY) src/netclaims/review/plots.html src/netclaims/review/plots_template.py
	python -m netclaims.review.plots_template $(PLOTS)
	dvc config --local plots.html_template $(notdir $(PLOTS))

repro: setup  # as `dvc repro`, but stages run beside each other, and what a stopped run has left is put right first
	python -m netclaims.repro

paper: setup  # what the reports did, at their scale, into results/paper: 35 hours of a core; ONLY='c-capacity …' runs these
	python -m netclaims.paper $(ONLY)

report: $(READY)  # the page, from the results that Git holds: seconds, and nothing trains
	dvc repro --single-item recipes report
	@echo "open report/index.html"

experiments: $(READY)  # `dvc exp show` with few of its many columns
	dvc exp show --md --drop '.*' --keep '(Experiment|State|counts.(supported|refuted|undecided)|batch_size|params.yaml:(replicas|scale))$$'

report-new: $(READY)  # begin the report NAME: reports/NAME.yaml, listed in dvc.yaml
	@python -m netclaims.new_report "$(NAME)"

BASE ?= main
review: $(READY)  # what changed since the branch left BASE; the comment leads to the page at LINK
	python -m netclaims.review "$(BASE)" $(if $(LINK),"$(LINK)")

in-step: $(READY)  # are the results those of the code and the settings? needs nothing that Git does not hold
	python -m netclaims.review.staleness
	python -m netclaims.paper.in_step

PYTEST := pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
test: lint
	$(PYTEST)

test-all: lint  # all reports at the smoke scale, every stage elsewhere, stopped at random moments: an hour
	$(PYTEST) --every-report --every-stage --every-case --fuzz 450 --kills 50

bench: $(READY)  # ours beside other ways to do the same work: benchmarks/results.md
	pip install --disable-pip-version-check -r benchmarks/requirements.txt -c requirements.txt
	python -m benchmarks

lint: $(READY)
	ruff check
	ruff format --check

lock: $(READY)  # write requirements.txt anew from pyproject.toml
	pip install --disable-pip-version-check uv
	uv pip compile --universal --python-version 3.11 --extra dev pyproject.toml -o requirements.txt

licences: $(READY)  # write the tables of docs/licences.md anew, after `make lock` and `make setup`
	python -m netclaims.licences

# Known vulnerabilities in what requirements.txt pins. Asks the package index, so its answer changes with time: no test.
# --strict: a package of which the index knows nothing would pass otherwise. Ignored, with the reason in SECURITY.md:
# CVE-2025-69872, of DVC's diskcache, for which there is no mended version.
AUDIT := $(VENV)/audit
audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --disable-pip-version-check pip-audit
	$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt --ignore-vuln CVE-2025-69872
