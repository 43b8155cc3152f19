"""What the asset says of its reports in Dagster's UI, whatever the learners are called."""

import datetime as dt

from assets.publishing.publisher import Failed, Publisher
from assets.weekly_reports import _complaint, _links
from docs.sample_learner import BANK, WEEK
from resources.database.queries.report_artifacts import ReportArtifact
from resources.reports.learner.scale import Scale


def test_an_id_that_looks_like_markdown_is_shown_as_it_is():
    publisher = Publisher(None, None, {}, BANK, Scale(), 30, written=20, unchanged=5)
    now = dt.datetime.now(dt.UTC)
    publisher.links += [ReportArtifact("x](http://evil)[_y_", WEEK, "html", "file:///r.html", now, None)] * 20
    shown = _links(publisher).splitlines()
    assert shown[0] == r"- [x\]\(http://evil\)\[\_y\_, 2025-01-06, html](file:///r.html)"
    assert len(shown) == 21
    assert shown[-1] == "25 in all"


def test_a_complaint_counts_all_names_twenty_and_cuts_an_endless_id_short():
    said = _complaint([Failed("x" * 10_000, WEEK, "html", "OSError: full")] * 23)
    assert said.startswith("23 reports failed; all others are published.")
    assert said.endswith("and 3 more")
    assert len(said) < 4_000
