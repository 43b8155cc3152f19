"""What runs print: in DAGSTER_HOME, or in the bucket where one is named, since a pod's own disk ends with it.

Named in dagster.yaml.
"""

from collections.abc import Mapping
from typing import Any

from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from seedtest_pipeline.settings import Settings

PREFIX = "dagster"
# Of a run that goes on, the bucket has what it printed until then: who is killed says nothing later.
_UPLOADED_EVERY_S = 30


class ComputeLogs(ComputeLogManager, ConfigurableClass):
    """Dagster's own: LocalComputeLogManager, or S3ComputeLogManager with S3_BUCKET."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> ComputeLogManager:
        settings = Settings.load()
        if settings.s3_bucket is None:
            return LocalComputeLogManager(str(settings.dagster_home / "storage"), inst_data=inst_data)
        from dagster_aws.s3.compute_log_manager import S3ComputeLogManager  # with boto3, half a second

        asked: dict[str, str] = {"ServerSideEncryption": settings.s3_sse} if settings.s3_sse != "none" else {}
        if settings.s3_sse_kms_key_id:
            asked["SSEKMSKeyId"] = settings.s3_sse_kms_key_id
        return S3ComputeLogManager(
            settings.s3_bucket, str(settings.home / "output"), inst_data, PREFIX,
            upload_interval=_UPLOADED_EVERY_S, upload_extra_args=asked, region=settings.aws_region,
        )  # fmt: skip
