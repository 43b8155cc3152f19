"""Publishing the class reports of a week: each file first, then its row; a group that fails does not stop the others.

Stays out: Dagster, and what is said of the learners.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from resources.artifacts.store import CONTENT_TYPES, ArtifactStore, class_report_key
from resources.database.engine import transaction
from resources.database.queries.reports import class_reports
from resources.errors import RetryLater, StoreRefuses, TemplateBroken
from resources.model import ClassArtifact, Format
from resources.reports.classes.class_input import ClassInput
from resources.reports.classes.page import fingerprint, render_class
from resources.reports.document.template import Template


@dataclass
class ClassPublisher:
    """Publishes a file per template and group; counts what came of it. `failed` has group, format and reason of those
    that could not be made; `lost` are characters that no font has, and PDFs show as replaced."""

    engine: sa.Engine
    store: ArtifactStore
    templates: Mapping[Format, Template]
    written: int = 0
    unchanged: int = 0
    failed: list[tuple[str, Format, str]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def publish(self, given: ClassInput, recorded: Sequence[ClassArtifact]) -> None:
        """The group's reports; `recorded` are the rows of those that it has of the week. One whose inputs are those
        of its row, and whose file is there, is left as it is.

        Raises:
            RetryLater: the database or the store does not answer.
            StoreRefuses: the store takes no report from this process.
            TemplateBroken: no report can be made from this template.
        """
        before = {row.format: row for row in recorded}
        for form, template in self.templates.items():
            try:
                self._publish(given, form, template, before.get(form))
            except (RetryLater, StoreRefuses, TemplateBroken):  # not this group's fault: the next would fail just so
                raise
            except Exception as error:  # noqa: BLE001 - as the docstring of the module says; the run ends red
                self.failed.append((given.group, form, f"{type(error).__name__}: {error}"))

    def _publish(self, given: ClassInput, form: Format, template: Template, before: ClassArtifact | None) -> None:
        key, inputs = class_report_key(given.week, given.group, form), fingerprint(template, given)
        recorded = before and (before.inputs_sha256, before.url) == (inputs, self.store.address(key))
        if before and recorded and self.store.sha256(key) == before.sha256:
            self.unchanged += 1
            return
        page = render_class(template, given, self.lost)
        url = self.store.put(key, page, CONTENT_TYPES[form])
        row = ClassArtifact(
            given.group,
            given.week,
            form,
            url,
            dt.datetime.now(dt.UTC),
            hashlib.sha256(page).hexdigest(),
            inputs,
            tuple(learner.user_id for learner in given.learners),
        )
        with transaction(self.engine) as connection:
            class_reports.record(connection, [row])
        self.written += 1
