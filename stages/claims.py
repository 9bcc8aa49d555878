"""Put every claim of every report to the test, and our numbers beside those stated: `python stages/claims.py`."""

from netclaims.claims.ledger import find_all, judge, load_all, write_ledger
from netclaims.claims.stated import load_all_results, write_stated
from netclaims.command import command
from netclaims.settings.params import load_params
from netclaims.training.checkpoint import discard


@command
def main() -> None:
    """Test all claims and judge them together: `metrics/claims.json` and `plots/claims.csv`.

    Set the numbers that the reports state beside ours: `metrics/stated.json`.
    """
    params = load_params()
    claims, results = load_all(params.scale), load_all_results(params.scale)
    write_ledger(claims, judge(find_all(claims, params.seed)), params.scale)
    write_stated(results, params.scale)
    discard()  # DVC has stored what every training wrote: it comes before this stage


if __name__ == "__main__":
    main()
