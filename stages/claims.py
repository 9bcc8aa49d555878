"""Put every claim of every report to the test, and our numbers beside those stated: `python stages/claims.py`."""

from netclaims.claims.ledger import Conclusions, find_all, judge, write_ledger
from netclaims.claims.stated import write_stated
from netclaims.command import command
from netclaims.recipes.read import read_recipe
from netclaims.training.leftovers import discard


@command
def main() -> None:
    """Test all claims and judge them together: `metrics/claims.json` and `plots/claims.csv`.

    Set the numbers that the reports state beside ours: `metrics/stated.json`.
    """
    settings = read_recipe("claims", None, Conclusions).settings
    tables = settings.tables()
    judged = judge(find_all(settings.claims, tables, settings.seed))
    write_ledger(settings.claims, settings.looks, judged, settings.scale)
    write_stated(settings.stated, tables, settings.scale)
    discard()  # every training comes before this stage, and DVC has stored what it wrote


if __name__ == "__main__":
    main()
