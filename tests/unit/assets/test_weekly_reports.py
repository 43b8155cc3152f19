"""What the asset says of its reports in Dagster's UI, whatever the learners are called."""

import datetime as dt
from collections.abc import Sequence

from assets.publishing.publisher import Publisher
from assets.publishing.report_maker import Failed
from assets.weekly_reports import _complaint, _links
from docs.sample_learner import BANK, WEEK
from resources.artifacts.folder import FolderStore
from resources.artifacts.links import FileLinks, Link
from resources.model import ReportArtifact
from resources.reports.learner.scale import Scale


class Signed:
    """Links that a browser opens, until noon."""

    def of(self, keys: Sequence[str], expires_s: int) -> list[Link]:
        return [Link(f"https://cdn/{key}?signed", dt.datetime(2025, 1, 14, 12, tzinfo=dt.UTC)) for key in keys]


def published(user_id: str, url: str) -> Publisher:
    publisher = Publisher(None, None, {}, BANK, Scale(), 30, written=20, unchanged=5)
    publisher.links += [ReportArtifact(user_id, WEEK, "html", url, dt.datetime.now(dt.UTC), None)] * 20
    return publisher


def test_an_id_that_looks_like_markdown_is_shown_as_it_is_and_a_bucket_s_report_opens_with_a_click():
    """Its address began with s3://, which no browser knows."""
    shown = _links(published("x](http://evil)[_y_", "s3://bucket/r.html"), Signed()).splitlines()
    assert shown[0].startswith(r"- [x\]\(http://evil\)\[\_y\_, 2025-01-06, html](https://cdn/")
    assert shown[0].endswith("?signed), until 2025-01-14 12:00 UTC")
    assert len(shown) == 21
    assert shown[-1] == "25 in all"


def test_a_folder_s_report_is_named_by_its_address_which_no_browser_follows(tmp_path):
    shown = _links(published("u1", "file:///r.html"), FileLinks(FolderStore(tmp_path)))
    assert shown.splitlines()[0] == "- u1, 2025-01-06, html: `file:///r.html`"


def test_a_complaint_counts_all_names_twenty_and_cuts_an_endless_id_short():
    said = _complaint([Failed("x" * 10_000, WEEK, "html", "OSError: full")] * 23)
    assert said.startswith("23 reports failed; all others are published.")
    assert said.endswith("and 3 more")
    assert len(said) < 4_000
