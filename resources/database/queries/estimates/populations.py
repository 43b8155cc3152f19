"""How the group of learners moved in each week (`population`): made once, then in force.

The caller's transaction is the one in force.
"""

import datetime as dt
import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.schema.tables import population
from resources.irt.growth.innovation import Innovation
from resources.irt.growth.newcomers import Newcomers
from resources.irt.growth.population import Population
from resources.model import Week


@dataclass(frozen=True)
class StoredPopulation:
    """Estimated when so many answers of the week were frozen."""

    population: Population
    n_answers: int


def until(connection: sa.Connection, week: Week) -> dict[Week, StoredPopulation]:
    """Of every week that has one up to and with `week`, ascending."""
    query = sa.select(population).where(population.c.week_start <= week.start).order_by(population.c.week_start)
    return {
        Week(row.week_start): StoredPopulation(_population(row), row.n_answers) for row in connection.execute(query)
    }


def store(
    connection: sa.Connection, week: Week, found: Population, n_answers: int, version: str, fitted_at: dt.datetime
) -> None:
    """The week's, in place of an earlier one; estimated when `n_answers` were frozen, under the item bank `version`."""
    values = {
        "week_start": week.start, "drift": found.drift, "drift_se": _number(found.drift_se),
        "absence_drift": found.absence_drift, "absence_drift_se": _number(found.absence_drift_se),
        "tau": found.tau, "tau_sd": found.innovation.tau_sd,
        "tau_log_likelihood": list(found.innovation.log_likelihood),
        "newcomers_mean": found.newcomers.mean, "newcomers_sd": found.newcomers.sd,
        "newcomers_mean_se": found.newcomers.mean_se, "newcomers_log_sd_se": found.newcomers.log_sd_se,
        "n_active": found.n_active, "n_returning": found.n_returning, "n_newcomers": found.n_newcomers,
        "n_answers": n_answers, "enough": found.enough, "drift_is_given": found.drift_is_given,
        "rounds": found.rounds, "version": version, "fitted_at": fitted_at,
    }  # fmt: skip
    statement = insert(population).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["week_start"], set_=values))


def _population(row: sa.Row[tuple[object, ...]]) -> Population:
    of = row._mapping
    return Population(
        drift=of["drift"], drift_se=_nan(of["drift_se"]), absence_drift=of["absence_drift"],
        absence_drift_se=_nan(of["absence_drift_se"]), innovation=Innovation(tuple(of["tau_log_likelihood"])),
        newcomers=Newcomers(
            of["newcomers_mean"], of["newcomers_sd"], of["newcomers_mean_se"], of["newcomers_log_sd_se"]
        ),
        n_active=of["n_active"], n_returning=of["n_returning"], n_newcomers=of["n_newcomers"], enough=of["enough"],
        drift_is_given=of["drift_is_given"], rounds=of["rounds"],
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
