"""One learner's report of one week in any edition, filled from the stored estimates and the frozen answers when it is
asked for. Nothing is stored."""

from dataclasses import dataclass

import sqlalchemy as sa

from assets.abilities.plausibility import PLAUSIBLE_LOGITS, plausible
from assets.abilities.scoring import ScoringRules
from assets.abilities.windows import windows
from assets.publishing.findings import with_findings
from assets.publishing.group_movement import group_movement
from assets.publishing.report_inputs import report_inputs
from assets.publishing.report_maker import in_edition
from assets.publishing.usual_times import usual_times
from assets.selection import Selection, selected_users
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities
from resources.database.queries.items import item_banks, item_details
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import learner_goals, learner_groups
from resources.errors import InvalidInput, OperatorRequired
from resources.model import Edition, ItemCatalogue, Week
from resources.reports.document.checks import verify
from resources.reports.document.fill import render
from resources.reports.document.template import Template
from resources.reports.learner.report_input import ReportInput
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class ReportOnDemand:
    """Where its numbers are read from: the same as those of reports that are stored."""

    engine: sa.Engine
    warehouse: Warehouse
    first_week: Week
    user_keys: UserKeys
    rules: ScoringRules
    choice: BankChoice
    scale: Scale

    def page(self, week: Week, user_id: str, template: Template, edition: Edition) -> tuple[bytes, set[str]]:
        """The file, and what no font of this machine has, which a PDF shows as replaced.

        Raises:
            InvalidInput: there is no such user, nothing to say of that week, or it is before the first.
            OperatorRequired: answers that it rests on are not frozen, or an estimate cannot be true.
        """
        given, lost = self._input(week, user_id, edition), set[str]()
        page = render(template, given, lost, edition)
        verify(page, user_id, week, template)
        return page, lost

    def _input(self, week: Week, user_id: str, edition: Edition) -> ReportInput:
        if week < self.first_week:
            raise InvalidInput(
                f"{week} is before the first week, {self.first_week}", remedy=f"set FIRST_WEEK={week} or earlier."
            )
        chosen = Selection({week: [self.user_keys.key_of(user_id)]})
        users = selected_users(self.engine, self.user_keys, chosen, [user_id])
        with transaction(self.engine) as connection:
            bank = item_banks.load_chosen(connection, self.choice)
            items = ItemCatalogue(item_details.of(connection, bank.item_keys))
            history = abilities.history(connection, [user_id], week)
            everybody = abilities.distribution(connection, week, PLAUSIBLE_LOGITS)
            names = learner_groups.names(connection, [user_id])
            goals, group = learner_goals.of(connection, [user_id]), group_movement(connection, week)
        if not plausible(history["theta"].to_numpy(), history["se"].to_numpy()).all():
            raise OperatorRequired(
                f"An estimate of {user_id!r} up to {week} cannot be true, so there is no report of it",
                remedy="see the checks of theta_estimates.",
            )
        (window,) = windows(chosen, users, self.rules, self.first_week, self.warehouse)
        found = report_inputs(
            week, [user_id], window.answers.of_users([user_id]), window.counted, history, everybody,
            bank=bank, scale=self.scale, window_days=self.rules.lookback_days, items=items, absentees="short",
            names=names, goals=goals, group=group,
        )  # fmt: skip
        if not (reports := with_findings(list(found))):
            raise InvalidInput(f"Nothing is known of {user_id!r} for {week}.")
        (given,) = reports
        usual = usual_times(self.warehouse, self.first_week, week, users.by_key.keys()) if edition == "teacher" else {}
        return in_edition(given, edition, usual)
