"""Show the verdicts on the claims of all reports, as a table, a page and figures: `python stages/ledger.py`."""

from dataclasses import asdict, dataclass

from netclaims.claims.ledger import gather, write_ledger
from netclaims.command import command
from netclaims.paths import FIGURES
from netclaims.present.claims_figure import draw_claims
from netclaims.present.claims_page import CLAIMS_PAGE, claims_page
from netclaims.present.shown_claim import ShownClaim
from netclaims.present.svg import save
from netclaims.present.verdicts_figure import draw_verdicts
from netclaims.recipes.read import read_recipe


@dataclass(frozen=True)
class Ledger:
    """The settings of the `ledger` recipe.

    Attributes:
        scale: that claims have to be judged at to count.
        claims: every claim by its name.
    """

    scale: str
    claims: dict[str, ShownClaim]


@command
def main() -> None:
    """Write `metrics/claims.json`, `plots/claims.csv`, `docs/claims.md`, and figures: `claims.svg`, `verdicts.svg`."""
    settings = read_recipe("ledger", None, Ledger).settings
    claims, scale = settings.claims, settings.scale
    table = gather([{"claim": key} | asdict(claim) for key, claim in claims.items()], scale)
    write_ledger(table, scale)
    CLAIMS_PAGE.write_text(claims_page(claims, table, scale), encoding="utf-8", newline="\n")
    save(draw_claims(table, scale), FIGURES / "claims.svg")
    verdicts = dict(zip(table["claim"], table["verdict"], strict=True))
    provisional = table.loc[table["provisional"].notna(), "claim"].tolist()
    save(draw_verdicts(claims, verdicts, provisional, scale), FIGURES / "verdicts.svg")


if __name__ == "__main__":
    main()
