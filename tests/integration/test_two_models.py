"""IRT_MODEL where a version of the item bank is there for two models, as a predecessor's tables allow: every part that
scores, reads or examines takes the model that the setting names."""

import datetime as dt
import json

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa

from resources.database.engine import transaction
from resources.model import Model, Week
from resources.progress import LogProgress
from seedtest_pipeline import definitions, doctor
from seedtest_pipeline.automation import catch_up
from seedtest_pipeline.settings import Settings
from seedtest_pipeline.wiring import Parts
from tests.integration.api.platform import end_session
from tests.integration.api.serving import serving

# Far apart, so that the wrong model's ability cannot pass for the right one's.
DIFFICULTY: dict[Model, float] = {"2PL": -2.0, "3PL": 2.0}
MONDAY = "2025-01-06"


@pytest.fixture
def two_models(engine) -> sa.Engine:
    rows = [
        {"item": f"i{j}", "model": model, "params": json.dumps({"a": 1.0, "b": b})}
        for model, b in DIFFICULTY.items()
        for j in range(4)
    ]
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO mirt_item_params (item_id, model, version, params, fitted_at) "
            "VALUES (%(item)s, %(model)s, 'v1', %(params)s, now())",
            rows,
        )
    return engine


@pytest.fixture
def settings(tmp_path, database_url, chosen, monkeypatch) -> Settings:
    monkeypatch.setenv("SEEDTEST_HOME", str(tmp_path))  # else a demo's settings.env beside the code is read
    return Settings.load(
        seedtest_home=tmp_path, database_url=database_url, irt_bank_version="v1", irt_model=chosen, local_dev=True
    )


pytestmark = pytest.mark.parametrize("chosen", ["2PL", "3PL"])


def test_the_api_estimates_and_reads_under_the_model_that_the_setting_names(two_models, settings, chosen):
    end_session(two_models, "u1", "s1", "1010")
    with transaction(two_models) as connection:
        for model in DIFFICULTY:
            connection.exec_driver_sql(
                "INSERT INTO mirt_ability (user_id, model, version, theta, se, fitted_at) "
                "VALUES ('u1', %(model)s, 'v1', 9, 1, now())",
                {"model": model},
            )
    with serving(settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as api:
        updated = api.post("/analysis/irt/update-theta", json={"user_id": "u1"}).json()
        assert (updated["status"], updated["model"]) == ("ok", chosen)
        assert updated["theta"] * DIFFICULTY[chosen] > 0
        assert api.get("/users/u1/theta").json()["current"]["theta"] == updated["theta"]


def test_the_doctor_finds_the_bank_of_that_model(two_models, settings, chosen):
    parts = Parts(settings)
    (bank,) = [finding for finding in doctor.examine(parts) if finding.part == "item bank"]
    parts.engine.dispose()
    assert (bank.ok, bank.detail) == (True, f"v1: 4 items, {chosen}")


def test_the_assets_and_the_catch_up_use_that_model(two_models, settings, chosen, monkeypatch):
    monkeypatch.setattr(catch_up, "GRACE", dt.timedelta(0))
    end_session(two_models, "u1", "s1", "1010", at=Week.parse(MONDAY).begins_at)
    end_session(two_models, "u2", "s2", "1010", at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30))
    parts = Parts(settings.model_copy(update={"user_partitions": 1}))
    defs = definitions.build(parts, LogProgress())
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey("responses"), dg.AssetKey("theta_estimates")],
            partition_key=f"b000of1|{MONDAY}",
        )
        assert result.success
        resources = {"engine": parts.engine, "rules": parts.rules, "estimator": parts.estimator}
        context = dg.build_sensor_context(instance=instance, resources=resources)
        (event,) = defs.resolve_sensor_def("catch_up")(context).asset_events
        assert event.metadata["updated"].value == 1
    parts.engine.dispose()
    with transaction(two_models) as connection:
        weekly = connection.exec_driver_sql("SELECT model, theta FROM theta_estimates WHERE user_id = 'u1'").one()
        caught_up = connection.exec_driver_sql("SELECT model, theta FROM mirt_ability WHERE user_id = 'u2'").one()
    for model, theta in (weekly, caught_up):
        assert model == chosen
        assert theta * DIFFICULTY[chosen] > 0
