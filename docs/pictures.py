"""The README's picture: a report of the synthetic exam as a browser shows it. Run by `make pictures`."""

import subprocess
import tempfile
from pathlib import Path

from seedtest_pipeline.settings import Settings

LEARNER = "synthetic-0006"
HERE = Path(__file__).parent


def main() -> None:
    reports = Settings.load().home / "artifacts" / "reports"
    page = max(reports.glob(f"*/{LEARNER}/weekly_report.html"))  # of the last week
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}", "--window-size=760,1180",
                f"--screenshot={HERE / 'report.png'}", page.as_uri(),
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    print(f"docs/report.png, from {page}")


if __name__ == "__main__":
    main()
