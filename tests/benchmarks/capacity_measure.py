"""What a small platform leaves behind and asks for, with a real PostgreSQL and a real S3 server: bytes, rows, requests.

These hardly depend on how busy the machine is; processor seconds, which do, are `bench_pipeline`'s.
"""

import os
import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import sqlalchemy as sa

from resources.database.engine import make_engine
from resources.postgres import embedded
from tests.benchmarks.bench_pipeline import FIRST, KEYS, LAST, WEEKS, Platform, answers_file
from tests.s3_server import WEED, free_ports
from tests.waiting import until

_BUCKET = "capacity"


@dataclass(frozen=True)
class Sizes:
    """Bytes, and how often S3 is asked. A session has 15 answers, a report is a learner's page of a week."""

    session: float
    """In `exam_results`, the platform's own table, indexes included; the next five likewise."""
    estimate: float
    current_ability: float
    report_row: float
    other_ours: float
    """All our other tables, for each learner's week."""
    history: float
    """Dagster's, for each user key's week of three assets."""
    frozen_session: float
    report_file: float
    puts: float
    """For each learner's report; the next for each user key's week."""
    gets_of_a_key: float
    puts_of_a_key: float


def measure(learners: int) -> Sizes:
    """Four weeks of so many learners, the last one made as on a Monday."""
    with (
        tempfile.TemporaryDirectory(prefix="seedtest-capacity-") as folder,
        _s3_server(Path(folder) / "s3") as requests,
    ):
        platform = Platform(Path(folder) / "home", learners)
        embedded.connect_url(platform.home)  # as long as this process lives, the server does
        file = Path(folder) / "answers.parquet"
        answers_file(file, learners)
        platform.command("ingest", str(file))
        platform.command("calibrate")
        platform.step("run", str(FIRST), str(LAST.plus(-1)), "responses")
        platform.step("run", str(FIRST), str(LAST.plus(-1)), "theta_estimates")
        before = requests()
        platform.step("run", str(LAST), str(LAST), "weekly")
        asked = {kind: n - before.get(kind, 0) for kind, n in requests().items()}
        tables, files = _tables(platform.home), _files()
    weeks = learners * WEEKS
    listed = ("exam_results", "theta_estimates", "seedtest_mirt_ability", "seedtest_report_artifacts")
    ours = sum(size for (schema, name), size in tables.items() if schema == "public" and name not in listed)
    return Sizes(
        session=tables["public", "exam_results"] / weeks,
        estimate=tables["public", "theta_estimates"] / weeks,
        current_ability=tables["public", "seedtest_mirt_ability"] / learners,
        report_row=tables["public", "seedtest_report_artifacts"] / learners,
        other_ours=ours / weeks,
        history=sum(size for (schema, _), size in tables.items() if schema == "dagster") / (KEYS * (2 * WEEKS + 1) / 3),
        frozen_session=files["warehouse"] / weeks,
        report_file=files["reports"] / learners,
        puts=(asked["PUT"] - KEYS) / learners,
        gets_of_a_key=(asked.get("GET", 0) + asked.get("LIST", 0)) / KEYS,
        puts_of_a_key=1.0,
    )


@contextmanager
def _s3_server(folder: Path) -> Iterator["_Requests"]:
    """Set in the environment of this process and those that it starts; and how often it was asked."""
    folder.mkdir()
    names = ("s3", "master", "volume", "filer", "admin")
    *ports, metrics = free_ports(6)
    secrets = {"AWS_ACCESS_KEY_ID": "capacity", "AWS_SECRET_ACCESS_KEY": "capacity-secret"}
    os.environ.update(
        secrets, AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{ports[0]}", AWS_REGION="us-east-1", S3_BUCKET=_BUCKET
    )
    command = [
        str(WEED), "mini", f"-dir={folder}", f"-bucket={_BUCKET}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-webdav=false", "-admin.ui=false", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-metricsPort={metrics}", "-metricsIp=127.0.0.1",
        *(f"-{name}.port={port}" for name, port in zip(names, ports, strict=True)),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(
        command, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "HOME": str(folder), **secrets}
    ) as server:  # fmt: skip
        try:
            until(lambda: f"Bucket {_BUCKET}" in (folder / "log").read_text("utf-8", "replace") or _has_bucket())
            yield _Requests(metrics)
        finally:
            server.kill()


def _has_bucket() -> bool:
    try:
        return bool(boto3.client("s3").list_buckets()["Buckets"])
    except Exception:  # noqa: BLE001 - it starts, in whatever state it is
        return False


@dataclass(frozen=True)
class _Requests:
    port: int

    def __call__(self) -> dict[str, float]:
        """By kind, those of the bucket that were answered well."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            told = answer.read().decode()
        found: dict[str, float] = {}
        for labels, n in re.findall(r"^SeaweedFS_s3_request_total\{(.*)\} (\S+)$", told, re.MULTILINE):
            if f'bucket="{_BUCKET}"' in labels and 'code="2' in labels:
                (kind,) = re.findall(r'type="(\w+)"', labels)
                found[kind] = found.get(kind, 0) + float(n)
        return found


def _tables(home: Path) -> dict[tuple[str, str], int]:
    engine = make_engine(embedded.connect_url(home))
    query = sa.text(
        "SELECT s.nspname, c.relname, pg_total_relation_size(c.oid) FROM pg_class c "
        "JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname IN ('public', 'dagster') AND c.relkind = 'r'"
    )
    with engine.connect() as connection:
        found = {(schema, table): int(size) for schema, table, size in connection.execute(query)}
    engine.dispose()
    return found


def _files() -> dict[str, int]:
    sizes = {"warehouse": 0, "reports": 0}
    for page in boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=_BUCKET):
        for entry in page.get("Contents", []):
            sizes["warehouse" if entry["Key"].startswith("warehouse/") else "reports"] += entry["Size"]
    return sizes
