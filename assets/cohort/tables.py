"""One week's cohort, gathered from the database and the warehouse: the tables of its report, by item bank.

The report's document reads nothing else. Stays out: how the tables look, and how they are computed from frames.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import cast

import pandas as pd
import sqlalchemy as sa

from assets.abilities.counted_answers import CountedAnswers
from assets.abilities.scoring import ScoringRules
from assets.cohort import answers, estimates, items, performance
from assets.cohort.answers import Batch, Examined
from assets.selection import in_batches
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, populations
from resources.database.queries.items import item_banks, item_details
from resources.database.queries.learners import learner_groups
from resources.database.queries.sessions import attempts
from resources.errors import InvalidInput
from resources.irt.fit import marginal_reliability
from resources.irt.growth.population import Population
from resources.model import ItemBank, ItemCatalogue, Model, Week
from resources.progress import Progress
from resources.reports.learner.scale import Scale
from resources.warehouse.warehouse import Warehouse

WEEKS = 12  # that participation and growth look back over: a quarter
LEARNERS = 5_000  # whose answers of the window are in memory at once
THIS_BANK, OTHER_BANK = "an estimate of this week under this bank", "an estimate of this week under another bank only"

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class _Cohort:
    """`of_week` has the week's estimates under any bank, `own` those under `bank`, calibrated as `fit` says.

    `before` is the bank that it was linked to, and `scale` the versions on whose scale it is: its own, those before.
    """

    week: Week
    bank: ItemBank
    fit: item_banks.Fit | None
    before: ItemBank | None
    scale: Collection[str]
    of_week: pd.DataFrame
    own: pd.DataFrame
    users: Sequence[str]
    rules: ScoringRules
    populations: Mapping[Week, Population]
    groups: Mapping[str, Collection[str]]
    catalogue: ItemCatalogue


@dataclass(frozen=True)
class Source:
    """Where cohorts are gathered from."""

    engine: sa.Engine
    warehouse: Warehouse
    first_week: Week
    user_keys: UserKeys
    rules: ScoringRules
    scale: Scale

    def cohorts(self, week: Week, progress: Progress) -> Iterator[tuple[str, Tables]]:
        """Each item bank that estimates of the week rest on, with the tables of its cohort. Mostly there is one; there
        are two where a part of the week was run again under a later bank.

        Raises:
            InvalidInput: the week has no estimates.
        """
        with transaction(self.engine) as connection:
            users = attempts.users(connection)
            of_week = abilities.of_week(connection, week)
            groups = {
                group: {member.user_id for member in members}
                for group, members in learner_groups.learners(connection).items()
            }
            moved = {of: found.population for of, found in populations.until(connection, week).items()}
        if of_week.empty:
            raise InvalidInput(
                f"There are no estimates of {week} to report on.", remedy=f"Make them: seedtest run --week {week}"
            )
        for (version, model), own in of_week.groupby(["version", "model"]):
            with transaction(self.engine) as connection:
                bank = item_banks.load(connection, str(version), cast("Model", model))
                fit = item_banks.fit(connection, bank.version)
                scale = _scale(connection, bank.version)
                before = item_banks.load(connection, scale[1], bank.model) if len(scale) > 1 else None
                known = ItemCatalogue(item_details.of(connection, bank.item_keys))
            window_days = int(own["window_days"].mode()[0])  # they were made under, whatever is set by now
            rules = replace(self.rules, lookback_days=window_days)
            cohort = _Cohort(week, bank, fit, before, scale, of_week, own, users, rules, moved, groups, known)
            alone = (of_week.loc[of_week["version"] == version, "model"] == model).all()
            yield bank.version if alone else f"{bank.version} {model}", self._tables(cohort, progress)

    def _tables(self, cohort: _Cohort, progress: Progress) -> Tables:
        weeks = self._weeks(cohort.week)
        seen, not_frozen = self._examined(cohort, weeks, progress)
        by_week, growth = self._history(cohort, weeks)
        counted = seen.participation.assign(not_frozen=pd.Series(not_frozen)).reindex([week.key for week in weeks])
        return {
            "about": _about(cohort, self.scale),
            "weeks": by_week.join(counted, on="week"),
            "growth": growth,
            "distribution": estimates.distribution(cohort.own),
            "precision": estimates.precision(cohort.own),
            "performance": performance.level_counts(cohort.own, self.scale),
            "decisions": performance.decisions(cohort.own, self.scale, cohort.bank),
            "items": items.item_fit(seen.residuals, cohort.bank),
            "drift": items.item_drift(cohort.fit),
            "map": items.wright_map(cohort.bank, cohort.own),
            "topics": items.topics(seen.residuals, cohort.bank, cohort.catalogue),
            "groups": estimates.by_group(cohort.own, cohort.groups),
            "diagnosis": items.diagnosis(cohort.fit),
            "learners": _learners(cohort, seen),
            "answers": _counts([(outcome, seen.answers[outcome]) for outcome in answers.OUTCOMES]),
        }

    def _weeks(self, week: Week) -> list[Week]:
        """Those to show: from the first, among the last WEEKS, of which anything was frozen."""
        frozen = [earlier for earlier in self.warehouse.weeks() if self.first_week <= earlier <= week]
        first = min([week, *(earlier for earlier in frozen if earlier > week.plus(-WEEKS))])
        return list(first.through(week))

    def _examined(
        self, cohort: _Cohort, weeks: Sequence[Week], progress: Progress
    ) -> tuple[Examined, Mapping[str, int]]:
        """Everybody's answers, and by week the number of learners whose week was never frozen."""
        users_of = self.user_keys.by_key(cohort.users)
        needed = list(self.first_week.through(cohort.week))  # an ability rests on all weeks before it
        missing = {week: frozenset(self.warehouse.missing(week, users_of)) for week in {*weeks, *needed}}
        rules = cohort.rules
        counted = CountedAnswers(self.warehouse, self.first_week, rules.attempts, rules.omitted, rules.anew_weeks)
        parts: list[Examined] = []
        done = 0
        estimated = frozenset(cohort.of_week["user_id"])
        theta = cohort.own.set_index("user_id")["theta"]
        for keys in in_batches(users_of, LEARNERS):
            members = [user for key in keys for user in users_of[key]]
            frozen = {week: self.warehouse.read([week], [k for k in keys if k not in missing[week]]) for week in weeks}
            whole = [key for key in keys if not any(key in missing[week] for week in needed)]
            absent = {user for key in keys if key not in whole for user in users_of[key]}
            given, that_count = counted.of(cohort.week, whole)
            batch = Batch(members, absent, frozen, that_count, len(given), estimated, theta)
            parts.append(answers.examine(batch, cohort.week, cohort.bank))
            done += len(members)
            progress("learners of the cohort", done, len(cohort.users))
        not_frozen = {week.key: sum(len(users_of[key]) for key in missing[week]) for week in weeks}
        return reduce(add, parts), not_frozen

    def _history(self, cohort: _Cohort, weeks: Sequence[Week]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A row per week with the estimates on this scale, and one with the abilities of each that has any."""
        by_week, growth = [], []
        for week in weeks:
            with transaction(self.engine) as connection:
                then = abilities.of_week(connection, week)
            own = cohort.own if week == cohort.week else then[then["version"].isin(cohort.scale)]
            by_week.append({"week": week.key, **estimates.summary(own), "other_scale": len(then) - len(own)})
            if len(own):
                growth.append({"week": week.key, **estimates.growth(own, cohort.populations.get(week))})
        return pd.DataFrame(by_week), pd.DataFrame(growth, columns=list(estimates.GROWTH))


def _learners(cohort: _Cohort, seen: Examined) -> pd.DataFrame:
    """Every learner once: with an estimate, or why not."""
    here = len(cohort.own)
    rows = [(THIS_BANK, here), (OTHER_BANK, len(cohort.of_week) - here)]
    rows += [(reason, seen.learners[reason]) for reason in answers.REASONS]
    return _counts(rows)


def _counts(rows: Sequence[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["outcome", "n"])


def _scale(connection: sa.Connection, version: str) -> list[str]:
    """The version and those that it was linked to, one through the other: their estimates may be compared."""
    versions = [version]
    while (linked := _linked(item_banks.fit(connection, versions[-1]))) and linked["to"] not in versions:
        versions.append(str(linked["to"]))
    return versions


def _linked(fit: item_banks.Fit | None) -> Mapping[str, object] | None:
    """To which bank it was linked and how; None for a first bank, and for one whose making is not known."""
    linked = fit.details.get("linked") if fit else None
    return linked if isinstance(linked, dict) else None


def _dimensions(fit: item_banks.Fit | None) -> str | None:
    """Whether the calibration saw one dimension, in its own words."""
    stored = fit.details.get("diagnosis") if fit else None
    return str(stored["dimensions"]) if isinstance(stored, dict) and "dimensions" in stored else None


def _about(cohort: _Cohort, scale: Scale) -> pd.DataFrame:
    """Name and value of what the other tables rest on; a value that is not known is missing."""
    fit, rules, bank = cohort.fit, cohort.rules, cohort.bank
    moved = cohort.populations.get(cohort.week, Population())
    newcomers = moved.newcomers
    linked, left_out = _linked(fit), fit.details.get("left_out") if fit else None
    values: dict[str, object] = {
        "week": cohort.week.key,
        "as_of": cohort.week.ends_at.isoformat(),
        "bank": bank.version,
        "model": bank.model,
        "items": len(bank.item_keys),
        "score_center": scale.center,
        "score_per_logit": scale.per_logit,
        "window_days": rules.lookback_days,
        "attempts": rules.attempts,
        "omitted": rules.omitted,
        "drift": moved.drift,
        "drift_se": moved.drift_se,
        "tau": moved.tau,
        "newcomers_mean": newcomers.mean,
        "newcomers_sd": newcomers.sd,
        **estimates.summary(cohort.own),
        "marginal_reliability": marginal_reliability(bank.items, newcomers.mean, newcomers.sd),
        "calibrated_at": fit.fitted_at.date().isoformat() if fit else None,
        "calibration_learners": fit.n_users if fit else None,
        "calibration_answers": fit.n_responses if fit else None,
        "calibration_left_out": len(left_out) if isinstance(left_out, dict) else None,
        "dimensions": _dimensions(fit),
        "linked_to": cohort.before.version if cohort.before else None,
        "linking_a": linked["A"] if linked else None,
        "linking_b": linked["B"] if linked else None,
    }
    return pd.DataFrame({"name": list(values), "value": list(values.values())}, dtype=object)
