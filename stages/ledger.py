"""Show the verdicts on all claims, as a page and as figures: `python stages/ledger.py`."""

from netclaims.claims.ledger import load_all
from netclaims.command import command
from netclaims.files import read_csv, read_json
from netclaims.paths import FIGURES, METRICS, PLOTS
from netclaims.present.claims_figure import draw_claims
from netclaims.present.claims_page import CLAIMS_PAGE, claims_page
from netclaims.present.svg import save
from netclaims.present.verdicts_figure import draw_verdicts


@command
def main() -> None:
    """Write `docs/claims.md`, and `claims.svg` and `verdicts.svg` in `plots/figures/`."""
    table, scale = read_csv(PLOTS / "claims.csv"), read_json(METRICS / "claims.json")["scale"]
    claims = {key: claim for key, (claim, _) in load_all().items()}
    CLAIMS_PAGE.write_text(claims_page(claims, table, scale), encoding="utf-8", newline="\n")
    save(draw_claims(table, scale), FIGURES / "claims.svg")
    save(
        draw_verdicts(claims, dict(zip(table["claim"], table["verdict"], strict=True)), scale), FIGURES / "verdicts.svg"
    )


if __name__ == "__main__":
    main()
