"""Check params.yaml and reports/*.yaml: `python stages/check.py`."""

from netclaims.command import command
from netclaims.paths import DATA
from netclaims.settings.check import check_settings, settings_files


@command
def main() -> None:
    """Check every setting, and write the entries of the reports one by one; what comes after waits for that."""
    check_settings()
    for path, text in settings_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (DATA / ".checked").write_text("Every setting is valid.\n", encoding="utf-8")


if __name__ == "__main__":
    main()
