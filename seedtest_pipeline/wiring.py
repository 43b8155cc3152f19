"""Settings -> the parts that do the work; shared by Dagster, the API and the command line.

What is heavy to import (scipy, boto3, pandoc) is imported where its part is made: most commands need none of it.
Stays out: what needs Dagster (`partitioning`), which the API does without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from assets.user_keys import UserKeys
from resources import calendar
from resources.artifacts.folder import FolderStore
from resources.artifacts.links import FileLinks, Links
from resources.artifacts.store import ArtifactStore
from resources.database.address import address
from resources.database.engine import make_engine, transaction
from resources.database.queries.items.item_banks import BankChoice
from resources.database.schema import revision, session_length, time_zone
from resources.errors import OperatorRequired
from resources.model import Week
from resources.postgres import embedded
from resources.program_files import PROGRAM_FILES
from seedtest_pipeline.settings import Settings

if TYPE_CHECKING:
    from assets.abilities.scoring import ScoringRules
    from assets.forgetting.learner import Stores
    from resources.alerts.channel import Channel
    from resources.artifacts.s3 import S3Store
    from resources.estimators.contract import Estimator
    from resources.event_webhook import EventWebhook
    from resources.model import Format
    from resources.reports.document.template import Template
    from resources.warehouse.warehouse import Warehouse

QUARTO_SOURCE = PROGRAM_FILES / "quarto"


@dataclass(frozen=True)
class Parts:
    """Each part is made when it is first asked for, and once."""

    settings: Settings

    def __post_init__(self) -> None:
        calendar.observe(self.settings.zone)

    @cached_property
    def database_url(self) -> str:
        """The configured server, or the embedded one, which is started where it does not run yet."""
        given = self.settings.database_url
        return given.get_secret_value() if given else embedded.connect_url(self.settings.home)

    @cached_property
    def bare_engine(self) -> sa.Engine:
        """Whatever state the schema is in."""
        return make_engine(self.database_url)

    @cached_property
    def engine(self) -> sa.Engine:
        """A database at the newest schema, with the settings that lie in it: the embedded one is brought there, a
        configured one has to be there.

        Raises:
            OperatorRequired: the configured database was not migrated, or a later release migrated it.
        """
        state = revision.state(self.bare_engine)
        if state.newer:
            raise OperatorRequired(
                f"{address(self.bare_engine.url)} stands at schema {state.current}, of a later release; this one has "
                f"{state.head}",
                where=address(self.bare_engine.url),
                remedy=f"use that release, or take the database back with it: seedtest migrate --back-to {state.head}",
            )
        if not state.up_to_date and self.settings.database_url is None:
            from resources.database.schema import migrate

            migrate.upgrade(self.bare_engine)
        elif not state.up_to_date:
            raise OperatorRequired(
                f"{address(self.bare_engine.url)} stands at schema {state.current or 'none'}, and this "
                f"needs {state.head}.",
                where=address(self.bare_engine.url),
                remedy="Run: seedtest migrate",
            )
        self._settle_session_length(self.settings.session_max_hours)
        self._settle_time_zone(self.settings.seedtest_timezone)
        return self.bare_engine

    def _settle_session_length(self, hours: int) -> None:
        with transaction(self.bare_engine) as connection:
            if (stored := session_length.stored(connection)) == hours:
                return
            if self.settings.database_url is not None:
                raise OperatorRequired(
                    f"SESSION_MAX_HOURS is {hours}, and {stored} is in force in {address(self.bare_engine.url)}",
                    where=address(self.bare_engine.url),
                    remedy="run seedtest migrate, and make the weeks again.",
                )
            session_length.store(connection, hours)

    def _settle_time_zone(self, zone: str) -> None:
        with transaction(self.bare_engine) as connection:
            if (stored := time_zone.stored(connection)) == zone:
                return
            if self.settings.database_url is not None or time_zone.any_made(connection):
                raise OperatorRequired(
                    f"SEEDTEST_TIMEZONE is {zone}, and the weeks that were made are those of {stored}",
                    where=address(self.bare_engine.url),
                    remedy="run seedtest migrate, and make the weeks again: seedtest run --week FIRST --through LAST",
                )
            time_zone.settle(connection, zone)

    @cached_property
    def user_keys(self) -> UserKeys:
        return UserKeys(self.settings.user_partitions)

    @cached_property
    def warehouse(self) -> "Warehouse":
        from resources.warehouse.warehouse import Warehouse

        if self._bucket is not None:
            return Warehouse(self._bucket, "warehouse/responses")
        return Warehouse(FolderStore(self.settings.home / "warehouse"))

    @cached_property
    def stores_ever(self) -> "Stores":
        """The stores in force, and with a bucket the folders of before there was one."""
        from assets.forgetting.learner import Stores
        from resources.warehouse.warehouse import Warehouse

        home = self.settings.home
        artifacts: list[ArtifactStore] = [self.artifacts]
        warehouses = [self.warehouse]
        if self._bucket is not None:
            artifacts.append(FolderStore(home / "artifacts"))
            warehouses.append(Warehouse(FolderStore(home / "warehouse")))
        return Stores(artifacts, warehouses)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """The bucket where one is named, else a folder."""
        return self._bucket or FolderStore(self.settings.home / "artifacts")

    @cached_property
    def links(self) -> Links:
        """To what is in `artifacts`."""
        if self._bucket is None:
            return FileLinks(self.artifacts)
        settings = self.settings
        if settings.cloudfront_domain and settings.cloudfront_key_pair_id and settings.cloudfront_private_key_file:
            from resources.artifacts.cloudfront import CloudFrontLinks, read_key

            key = read_key(settings.cloudfront_private_key_file)
            return CloudFrontLinks(settings.cloudfront_domain, settings.cloudfront_key_pair_id, key)
        from resources.artifacts.presigned import PresignedLinks

        return PresignedLinks(self._bucket)

    @cached_property
    def _bucket(self) -> "S3Store | None":
        settings = self.settings
        if settings.s3_bucket is None:
            return None
        from resources.artifacts.s3 import S3Store

        return S3Store(settings.s3_bucket, settings.aws_region, settings.s3_sse, settings.s3_sse_kms_key_id)

    @cached_property
    def estimator(self) -> "Estimator":
        """The R service where one is named, else the same arithmetic here; one never stands in for the other."""
        settings = self.settings
        if settings.r_irt_base_url is None:
            from resources.estimators.in_process import InProcessEstimator

            return InProcessEstimator()
        from resources.estimators.r_service.circuit_breaker import CircuitBreaker
        from resources.estimators.r_service.client import RServiceEstimator
        from resources.estimators.r_service.transport import Timeouts

        token = settings.r_irt_internal_token
        return RServiceEstimator(
            settings.r_irt_base_url,
            token.get_secret_value() if token else None,
            timeouts=Timeouts(read_s=settings.r_irt_timeout_secs, total_s=2 * settings.r_irt_timeout_secs),
            circuit=CircuitBreaker(cool_down_s=settings.r_irt_timeout_secs),  # who waits little looks again soon
        )

    @cached_property
    def rules(self) -> "ScoringRules":
        from assets.abilities.scoring import ScoringRules

        settings = self.settings
        first_week = Week(settings.first_week)
        return ScoringRules(
            lookback_days=settings.irt_update_lookback_days, attempts=settings.irt_attempts,
            omitted=settings.irt_omitted, drift=settings.irt_drift, anew_weeks=settings.irt_anew_after_weeks,
            first_week=first_week,
        )  # fmt: skip

    @property
    def bank_choice(self) -> BankChoice:
        return BankChoice(self.settings.irt_bank_version, self.settings.irt_model)

    @property
    def alert_channels(self) -> "list[Channel]":
        """Those that are set up; none by default."""
        settings = self.settings
        channels: list[Channel] = []
        if settings.alert_webhook_url:
            from resources.alerts.webhook import Webhook

            channels.append(Webhook(settings.alert_webhook_url.get_secret_value()))
        if settings.alert_smtp_url and settings.alert_mail_from and settings.alert_mail_to:
            from resources.alerts.mail import Mail

            url = settings.alert_smtp_url.get_secret_value()
            channels.append(Mail(url, settings.alert_mail_from, settings.alert_mail_to))
        return channels

    @property
    def event_webhook(self) -> "EventWebhook | None":
        """Where events are told; by default nowhere."""
        url, secret = self.settings.event_webhook_url, self.settings.event_webhook_secret
        if url is None or secret is None:
            return None
        from resources.event_webhook import EventWebhook

        return EventWebhook(url, secret.get_secret_value())

    def compile_templates(self, *formats: "Format") -> "Mapping[Format, Template]":
        """The report's template in these formats, or each that is published, from the cache where it is there."""
        from resources.reports.document.compile import DOCUMENT

        return self._compiled(DOCUMENT, formats)

    def compile_class_templates(self) -> "Mapping[Format, Template]":
        """Likewise of the class report, which is no mail."""
        from resources.reports.classes.page import DOCUMENT

        forms = [form for form in self.settings.report_formats if form != "eml"]
        return self._compiled(DOCUMENT, forms or ["html"])

    def _compiled(self, document: str, formats: "Sequence[Format]" = ()) -> "Mapping[Format, Template]":
        from resources.reports.document.compile import compile_templates

        wanted, language = formats or self.settings.report_formats, self.settings.report_lang
        return compile_templates(QUARTO_SOURCE, self.settings.home / "templates", wanted, language, document)
