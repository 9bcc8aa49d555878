"""Put the claims of a report to the test, and our numbers beside those stated: `python stages/claims.py d`."""

from netclaims.claims.judge import Conclusions, find_all, judge
from netclaims.claims.ledger import write_verdicts
from netclaims.claims.stated import write_stated
from netclaims.command import command
from netclaims.recipes.read import read_recipe
from netclaims.training.leftovers import discard


@command
def main(report: str) -> None:
    """Test and judge the claims of `report`: `plots/claims/<report>.csv`.

    Set the numbers that it states beside ours: `metrics/stated/<report>.json`.
    """
    settings = read_recipe("claims", report, Conclusions).settings
    tables = settings.tables()
    judged = judge(settings.questions, find_all(settings.claims, tables, settings.seed))
    write_verdicts(report, settings.said(report), judged)
    write_stated(report, settings.stated, tables, settings.scale)
    discard(report)  # every training of it comes before this stage, and DVC has stored what it wrote


if __name__ == "__main__":
    main()
