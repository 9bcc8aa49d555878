"""Show the verdicts on all claims, as a page and as figures: `python stages/ledger.py`."""

from dataclasses import dataclass

from netclaims.command import command
from netclaims.files import read_csv, read_json
from netclaims.paths import FIGURES, METRICS, PLOTS
from netclaims.present.claims_figure import draw_claims
from netclaims.present.claims_page import CLAIMS_PAGE, claims_page
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.svg import save
from netclaims.present.verdicts_figure import draw_verdicts
from netclaims.recipes.read import read_recipe


@dataclass(frozen=True)
class Ledger:
    """The settings of the `ledger` recipe: every claim by its name."""

    claims: dict[str, ShownClaim]


@command
def main() -> None:
    """Write `docs/claims.md`, and `claims.svg` and `verdicts.svg` in `plots/figures/`."""
    claims = read_recipe("ledger", None, Ledger).settings.claims
    table, scale = read_csv(PLOTS / "claims.csv"), read_json(METRICS / "claims.json")["scale"]
    CLAIMS_PAGE.write_text(claims_page(claims, table, scale), encoding="utf-8", newline="\n")
    save(draw_claims(table, scale), FIGURES / "claims.svg")
    verdicts = dict(zip(table["claim"], table["verdict"], strict=True))
    save(draw_verdicts(claims, verdicts, scale), FIGURES / "verdicts.svg")


if __name__ == "__main__":
    main()
