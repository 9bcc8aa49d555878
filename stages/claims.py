"""Put every claim of every report to the test: `python stages/claims.py`."""

from netclaims.claims.ledger import find_all, judge, load_all, write_ledger
from netclaims.learn.command import command
from netclaims.learn.params import load_params


@command
def main() -> None:
    """Test all claims, judge them together, and write `metrics/claims.json` and `plots/claims.csv`."""
    params, claims = load_params(), load_all()
    write_ledger(claims, judge(find_all(claims, params.seed)), params.scale)


if __name__ == "__main__":
    main()
