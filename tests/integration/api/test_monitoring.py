"""What deploy/monitoring asks of the API is there to be asked: names, labels and their values in a real scrape."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.integration.api.platform import adopt, end_session

FOLDER = Path(__file__).parents[3] / "deploy" / "monitoring"
GROUPS = yaml.safe_load((FOLDER / "rules.yaml").read_text("utf-8"))["groups"]
PANELS = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))["panels"]
ASKED = {rule["alert"]: rule["expr"] for group in GROUPS for rule in group["rules"]} | {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel.get("targets", ())
}


@pytest.fixture
def scrape(engine, serve):
    adopt(engine)
    end_session(engine, "u1", "s1", "10")
    api = serve()
    for user_id in ("u1", "nobody"):
        api.post("/analysis/irt/update-theta", json={"user_id": user_id})
    return api.get("/metrics").text


def test_each_metric_and_label_that_is_asked_for_is_told(scrape):
    families = dict(re.findall(r"^# TYPE (\S+) (\w+)$", scrape, re.MULTILINE))
    sampled = {
        name + suffix
        for name, kind in families.items()
        for suffix in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
    }
    labels = {
        (name, label) for name, inside in re.findall(r"^(\w+)\{(.*)\}", scrape, re.MULTILINE)
        for label in re.findall(r"(\w+)=\"", inside)
    }  # fmt: skip
    told = {name for name, _ in labels}
    for where, expression in ASKED.items():
        asked = re.findall(r"(seedtest_\w+)(?:\{([^}]*)\})?", expression)
        assert asked or "up{" in expression, where
        for name, inside in asked:
            assert name in sampled, where
            if name in told:
                assert {(name, label) for label in re.findall(r"(\w+)[=!]", inside)} <= labels, where
        for route in re.findall(r'route="([^"]+)"', expression):
            assert f'route="{route}"' in scrape, where


def test_panels_do_not_lie_on_each_other():
    places = [
        (x, y)
        for panel in PANELS
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
