"""The one reader of the environment: every setting with its default, checked once, at the start.

Settings come from environment variables, then from `settings.env` in SEEDTEST_HOME, then from the defaults here.
"""

import datetime as dt
import os
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from resources import atomic_file, private_folder
from resources.artifacts.links import LONGEST_S, SHORTEST_S
from resources.errors import InvalidInput
from resources.irt.calibration.m_step import ItemPriors
from resources.model import Absentees, Edition, Format, Language, Model
from resources.program_files import INSTALLED, PACKAGES
from resources.reports.learner.cuts import Cuts
from resources.reports.learner.scale import Scale
from seedtest_pipeline import former_settings as former
from seedtest_pipeline import setting_texts as texts

# A wheel lies in a folder that installations share and replace: nothing that must last is kept there.
_HOME = Path("~/.seedtest") if INSTALLED else PACKAGES / ".seedtest"


class Settings(BaseSettings):
    """Frozen; `load` is the way to make one. Names are the predecessor's where it had them."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_file_encoding="utf-8", env_ignore_empty=True)

    seedtest_home: Path = _HOME
    """Folder for everything that this machine keeps: embedded database, reports, warehouse, Dagster's home."""
    database_url: SecretStr | None = None
    """PostgreSQL 14 or later; unset: an embedded server in SEEDTEST_HOME."""
    user_partitions: Annotated[int, BeforeValidator(texts.users_or_buckets), Field(ge=0, le=4096)] = 0
    """`users` (one partition per user, to about 1,000), or the number of hash buckets."""
    first_week: Annotated[dt.date, AfterValidator(texts.monday)] = dt.date(2025, 1, 6)
    """Monday from which there are partitions; later than that there is always the present week."""
    seedtest_timezone: Annotated[str, AfterValidator(texts.zone)] = "UTC"
    """Time zone of the platform: where its days and weeks begin, and the weekly schedule's clock."""
    session_max_hours: Annotated[int, Field(ge=0, le=87_600)] = 24
    """Where a session's two times lie farther apart, its answers are of its beginning; 0: as its times say."""
    r_irt_base_url: str | None = None
    """Address of the R service; unset: the same arithmetic in this process."""
    r_irt_internal_token: SecretStr | None = None
    r_irt_timeout_secs: Annotated[float, Field(gt=0)] = 30.0
    irt_model: Model = "2PL"
    irt_guessing: Annotated[ItemPriors | None, NoDecode, BeforeValidator(texts.guessing)] = None
    """What is believed of guessing c before a 3PL calibration: its middle, and the SD of its logit; unset: 0.25,0.5."""
    irt_bank_version: str | None = None
    """Item bank to score with; unset: the one adopted last."""
    irt_update_lookback_days: Annotated[int, Field(ge=1, le=365)] = 30
    irt_attempts: Literal["first", "last", "all"] = "first"
    """Which attempts of a user at the same item count: the first ever, the last of each week, or all."""
    irt_anew_after_weeks: Annotated[int, AfterValidator(texts.never_or_long), Field(ge=0)] = 0
    """An item that was not answered for so many weeks counts anew under `first`; 0: never."""
    irt_omitted: Literal["missing", "wrong"] = "missing"
    """What a blank counts as that lies before an answer of its session; one at a session's end is always missing."""
    irt_drift: Annotated[float | Literal["estimated", "off"], BeforeValidator(texts.number_or_word)] = "estimated"
    """How the group's ability moves in a week: estimated, a number of logits, or `off`: nobody moves."""
    s3_bucket: str | None = None
    """Bucket for the reports; unset: a folder in SEEDTEST_HOME. Credentials and endpoint are boto3's own settings."""
    aws_region: str | None = None
    s3_sse: Literal["none", "AES256", "aws:kms"] = "none"
    """Encryption that S3 is asked for; `none`: the bucket's own default."""
    s3_sse_kms_key_id: str | None = None
    cloudfront_domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] | None = None
    """With the next two: links go through this distribution; unset: S3 answers them itself."""
    cloudfront_key_pair_id: str | None = None
    cloudfront_private_key_file: Path | None = None
    report_link_secs: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)] = 900
    """How long a link to a report opens it."""
    report_lang: Language = "en"
    report_absentees: Absentees = "short"
    report_formats: Annotated[tuple[Format, ...], NoDecode, BeforeValidator(texts.listed), Field(min_length=1)] = (
        "html",
    )
    """Each is a file of its own, as in `html,pdf`."""
    report_editions: Annotated[tuple[Edition, ...], NoDecode, BeforeValidator(texts.listed), Field(min_length=1)] = (
        "learner",
    )
    """For whom each report is made, in every format, as in `learner,teacher`."""
    report_processes: Annotated[int, Field(ge=1, le=256)] | None = None
    """How many processes of a run make reports; unset: one per core that it may use, whatever quota a container has."""
    report_scale: Annotated[Scale, NoDecode, BeforeValidator(texts.scale)] = Scale()
    """Scores of the reports: center, points per logit, lowest, highest."""
    report_cuts: Annotated[Cuts | None, NoDecode, BeforeValidator(texts.cuts)] = None
    """Performance levels of the reports and the scores between them; unset: none are named."""
    departed_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Who has no session on the platform for so many days loses estimates, current ability and reports."""
    jwks_url: str | None = None
    """Where the identity provider publishes its keys; the API starts only with the three, or with LOCAL_DEV."""
    jwt_iss: str | None = None
    jwt_aud: str | None = None
    jwt_aud_claim: str = "aud"
    """The claim that holds JWT_AUD, and the two after it: docs/tokens.md has them for common providers."""
    jwt_sub_claim: str = "sub"
    jwt_scope_claims: Annotated[tuple[str, ...], NoDecode, BeforeValidator(texts.listed)] = ("scope", "scp", "scopes")
    jwt_scopes: Annotated[tuple[tuple[str, str], ...] | None, NoDecode, BeforeValidator(texts.pairs)] = None
    """What a provider's own words mean in those claims, as in `seedtest-service=analysis:run`."""
    alert_webhook_url: SecretStr | None = None
    """Where failed runs are told, in the form of Slack's incoming webhooks; unset: nowhere. Who knows it may post."""
    alert_smtp_url: SecretStr | None = None
    """With the next two: failed runs are told by mail, too: smtp://user:password@host:587 or smtps://…:465."""
    alert_mail_from: str | None = None
    alert_mail_to: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(texts.listed)] = None
    event_webhook_url: str | None = None
    """With the next one: another program is told what was stored (docs/webhooks.md); unset: nobody."""
    event_webhook_secret: SecretStr | None = None
    dagster_ui_url: str = "http://127.0.0.1:3000"
    """Where people open Dagster's UI; links in alerts lead there."""
    dagster_keep_days: Annotated[int, Field(ge=7)] = 90
    """Runs that ended earlier, and their logs, are taken out of Dagster's history; which partitions are made stays."""
    runs_at_once: Annotated[int, Field(ge=1, le=1000)] = 2
    """How many runs of Dagster may go on at the same time."""
    run_pods_file: Path | None = None
    """Settings of dagster-k8s' K8sRunLauncher, in YAML: each run is a Job of Kubernetes; unset: a process here."""
    local_dev: bool = False
    """The API asks for no token; on loopback only."""
    seedtest_api_token: SecretStr | None = None
    """With it `notify-session-end` calls the API."""
    otel_exporter_otlp_endpoint: str | None = None
    """Where the API sends its traces, by OTLP over HTTP; unset: nowhere. OpenTelemetry reads its other variables."""
    theta_channel: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] | None = None
    """Where PostgreSQL's NOTIFY tells whose ability the API has stored; unset: nowhere."""
    api_root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] | None = None
    """Before every path of the API, as a gateway leaves it there: `/api/seedtest`. Paths without it work, too."""
    api_timeout_secs: Annotated[float, Field(gt=0, le=300)] = 10.0
    """A request to the API that takes longer is answered 503."""
    api_drain_secs: Annotated[float, Field(ge=0, le=300)] = 0.0
    """So long the API goes on after SIGTERM, with /readyz failing, until whoever sends it requests has heard of it."""
    api_concurrency: Annotated[int, Field(ge=1)] = 64
    """Requests at work in the API at once; one more is answered 503, and one more of the same caller sooner."""
    api_rate_per_minute: Annotated[int, Field(ge=1)] = 6000
    """Requests of one service (a caller with analysis:run)."""
    api_user_rate_per_minute: Annotated[int, Field(ge=1)] = 60
    """Requests of one user (any other caller)."""

    @model_validator(mode="after")
    def _storage_is_whole(self) -> Self:
        """Raises InvalidInput where settings of the bucket or of CloudFront lack one another."""
        cloudfront = ("cloudfront_domain", "cloudfront_key_pair_id", "cloudfront_private_key_file")
        given = [name for name in (*cloudfront, "s3_sse_kms_key_id") if getattr(self, name)]
        if self.s3_bucket is None and given:
            raise InvalidInput(f"{given[0].upper()} is set and S3_BUCKET is not", remedy="set both or neither.")
        if 0 < len(lacking := [name for name in cloudfront if name not in given]) < len(cloudfront):
            raise InvalidInput(f"{', '.join(cloudfront).upper()} go together: {lacking[0].upper()} is missing.")
        if self.s3_sse_kms_key_id and self.s3_sse != "aws:kms":
            raise InvalidInput("S3_SSE_KMS_KEY_ID is set", remedy="set S3_SSE=aws:kms, too.")
        if self.cloudfront_private_key_file:
            from resources.artifacts.cloudfront import read_key  # with boto3, which takes half a second to import

            read_key(self.cloudfront_private_key_file)
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        """Raises InvalidInput where settings of the alerts by mail lack one another, or hold no address."""
        names = ("alert_smtp_url", "alert_mail_from", "alert_mail_to")
        lacking = [name.upper() for name in names if not getattr(self, name)]
        if 0 < len(lacking) < len(names):
            raise InvalidInput(f"{', '.join(names).upper()} go together: {lacking[0]} is missing.")
        if self.alert_smtp_url:
            from resources.alerts.mail import check_address  # with smtplib, which no command needs

            check_address(self.alert_smtp_url.get_secret_value())
        return self

    @model_validator(mode="after")
    def _events_are_signed(self) -> Self:
        """Raises InvalidInput where an event webhook has no key, or the key no webhook."""
        if (self.event_webhook_url is None) != (self.event_webhook_secret is None):
            raise InvalidInput("EVENT_WEBHOOK_URL and EVENT_WEBHOOK_SECRET go together", remedy="set both or neither.")
        if self.event_webhook_url and self.event_webhook_secret:
            from resources.event_webhook import check  # with httpx, which most commands do not need

            check(self.event_webhook_url, self.event_webhook_secret.get_secret_value())
        return self

    @model_validator(mode="after")
    def _cuts_lie_on_the_scale(self) -> Self:
        """Raises InvalidInput where a cut score does not."""
        try:
            _ = self.scale
        except InvalidInput as error:
            raise InvalidInput(error.what, where="REPORT_CUTS", remedy=error.remedy) from error
        return self

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Settings of this process.

        Raises:
            InvalidInput: a setting is unreadable; the message names it, its value and what it may be.
        """
        home = Path(os.environ.get("SEEDTEST_HOME", str(cls.model_fields["seedtest_home"].default))).expanduser()
        try:
            return cls(_env_file=home / "settings.env", **overrides)  # type: ignore[call-arg, arg-type]  # pydantic's own keyword
        except ValidationError as error:
            raise InvalidInput(_first_complaint(error, home)) from error

    @property
    def home(self) -> Path:
        return self.seedtest_home.expanduser().resolve()

    @property
    def zone(self) -> ZoneInfo:
        """Of the platform's days, weeks and schedule."""
        return ZoneInfo(self.seedtest_timezone)

    @property
    def report_kinds(self) -> tuple[tuple[Edition, Format], ...]:
        """The editions and formats of which each learner gets a file."""
        return tuple(product(self.report_editions, self.report_formats))

    @property
    def scale(self) -> Scale:
        """The reports' score scale, with its cut scores."""
        return replace(self.report_scale, cuts=self.report_cuts)

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME where the environment sets it (a deployment's own), else a folder in SEEDTEST_HOME."""
        return Path(os.environ.get("DAGSTER_HOME") or self.home / "dagster")


def remember(settings: Settings, name: str, value: str) -> None:
    """Keep one setting in SEEDTEST_HOME's settings.env, in place of an earlier value."""
    path = (settings.home / "settings.env").resolve()  # where it is a link, the file that it leads to
    before = path.read_text("utf-8") if path.exists() else ""
    kept = [line for line in before.splitlines() if not line.startswith(f"{name}=")]
    private_folder.make(path.parent)
    content = "\n".join([*kept, f"{name}={value}", ""]).encode()
    atomic_file.write(path, content, mode=path.stat().st_mode & 0o777 if path.exists() else 0o600)


def set_by_environment(name: str) -> bool:
    return name in os.environ


# Without the first two, a run over 1,000 partitions writes its events one by one and takes 30 times as long.
DAGSTERS_OWN = {
    "DAGSTER_EVENT_BATCH_SIZE": "1000",
    "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
    "DAGSTER_GRPC_TIMEOUT_SECONDS": "180",  # a busy machine; after 60 s a run would be dropped
    "DAGSTER_DISABLE_TELEMETRY": "1",
}


def prepare_process() -> None:
    """Set what Dagster reads from the environment itself, for this process and those it starts."""
    for name, value in DAGSTERS_OWN.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DAGSTER_HOME", str(Settings.load().dagster_home))


def _first_complaint(error: ValidationError, home: Path) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]).upper()
    if first["type"] == "extra_forbidden":
        told = former.told(name)
        rest = f". {told}" if told else ", which is no setting; remove that line or correct its name."
        return f"{home / 'settings.env'} sets {name}{rest}"
    return f"Setting {name}={first['input']!r}: {first['msg'].removeprefix('Value error, ')}."
