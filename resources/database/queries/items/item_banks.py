"""Calibrated item banks: saved under a version that never changes, and in force only once adopted. A version that no
calibration of ours has may be a bank of the predecessor's, which is read where it lies.

The caller's transaction is the one in force.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, cast, get_args

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from resources.database.queries import platform_tables
from resources.database.schema.tables import mirt_fit_meta, mirt_item_params
from resources.errors import InvalidInput, NoItemBank, NotConverged
from resources.model import Floats, Ints, ItemBank, Model

ADOPTED_LAST: LiteralString = (
    "SELECT version FROM seedtest_mirt_fit_meta WHERE adopted_at IS NOT NULL "
    "ORDER BY adopted_at DESC, version DESC LIMIT 1"
)


@dataclass(frozen=True)
class BankChoice:
    """Which bank to score with, as the settings say: `version` pins one, None takes the one adopted last. `model`
    decides only where a version is there for two models, as a predecessor's tables allow."""

    version: str | None = None
    model: Model | None = None


ADOPTED = BankChoice()


@dataclass(frozen=True)
class Fit:
    """How a bank was calibrated. `details` (JSON) holds priors, group, linking constants, items left out and why."""

    converged: bool
    cycles: int
    log_likelihood: float
    n_users: int
    n_responses: int
    fitted_at: dt.datetime
    details: Mapping[str, object] = field(default_factory=dict)


def save(
    connection: sa.Connection,
    bank: ItemBank,
    fit: Fit,
    covariance: Floats | None = None,
    n_responses: Ints | None = None,
    fitted_at: Sequence[dt.datetime] | None = None,
) -> None:
    """The bank and its fit; not in force until adopted. The same bank again changes nothing.

    Of each item: `covariance`, shape (J, 3, 3), of a, b and c, NaN where there is none; `n_responses`, shape (J,); and
    `fitted_at`, that of the fit unless it was calibrated before.

    Raises:
        InvalidInput: the version is taken by another bank: estimates may rest on it.
    """
    _lock(connection)
    known = connection.execute(sa.select(mirt_item_params.c.version).where(mirt_item_params.c.version == bank.version))
    if known.first() is not None or platform_tables.bank(connection, bank.version):
        stored = load(connection, bank.version, bank.model)
        if stored.model == bank.model and _same(stored, bank):
            return
        raise InvalidInput(
            f"Item bank {bank.version} is there already, with other items or parameters",
            where=f"Item bank {bank.version}",
            remedy="choose another version.",
        )
    connection.execute(
        insert(mirt_fit_meta).values(
            version=bank.version, model=bank.model, converged=fit.converged, cycles=fit.cycles,
            log_likelihood=fit.log_likelihood, n_users=fit.n_users, n_items=len(bank.item_keys),
            n_responses=fit.n_responses, details=dict(fit.details), fitted_at=fit.fitted_at,
        )
    )  # fmt: skip
    errors = _errors(covariance, len(bank.item_keys))
    counts = [None] * len(bank.item_keys) if n_responses is None else n_responses.tolist()
    rows = [
        {
            "item_id": key, "model": bank.model, "version": bank.version,
            "params": {"a": bank.a[j].item(), "b": bank.b[j].item(), "c": bank.c[j].item()}
            | ({"topic": bank.topics[key]} if key in bank.topics else {}),
            "standard_errors": errors[j],
            "n_responses": counts[j], "fitted_at": fitted_at[j] if fitted_at else fit.fitted_at,
        }
        for j, key in enumerate(bank.item_keys)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(mirt_item_params), rows)


def load(connection: sa.Connection, version: str, model: Model | None = None) -> ItemBank:
    """The bank of a version, items in the order of their keys. Where the version has two models, `model` says which.

    Raises:
        NoItemBank: no item has this version.
        InvalidInput: it has two models and `model` is none of them, or parameters that are no numbers.
    """
    found = _model(connection, version, model)
    query = sa.select(mirt_item_params).where(
        mirt_item_params.c.version == version, mirt_item_params.c.model == found
    )  # fmt: skip
    rows: Sequence[Any] = connection.execute(query.order_by(sa.collate(mirt_item_params.c.item_id, "C"))).all()
    if not rows:
        rows = [row for row in platform_tables.bank(connection, version) if row.model == found]
    return ItemBank(
        version, found, tuple(row.item_id for row in rows),
        _parameter(version, rows, "a"), _parameter(version, rows, "b"), _parameter(version, rows, "c", missing=0.0),
        {row.item_id: str(topic) for row in rows if (topic := row.params.get("topic")) is not None},
    )  # fmt: skip


def load_chosen(connection: sa.Connection, choice: BankChoice) -> ItemBank:
    """The bank to score with. Raises: as `in_force` and `load`."""
    return load(connection, in_force(connection, choice.version), choice.model)


def identify_chosen(connection: sa.Connection, choice: BankChoice) -> tuple[str, Model]:
    """Version and model of the bank to score with, without its items. Raises: as `load_chosen`."""
    version = in_force(connection, choice.version)
    return version, _model(connection, version, choice.model)


def fit(connection: sa.Connection, version: str) -> Fit | None:
    """How the bank of a version was calibrated; None for one whose making was not recorded here."""
    row = connection.execute(sa.select(mirt_fit_meta).where(mirt_fit_meta.c.version == version)).one_or_none()
    if row is None:
        return None
    return Fit(
        row.converged, row.cycles, row.log_likelihood, row.n_users, row.n_responses, row.fitted_at, row.details or {}
    )


def in_force(connection: sa.Connection, pinned: str | None = None) -> str:
    """The version to score with: the pinned one, else the one adopted last.

    Raises:
        NoItemBank: there is none.
    """
    if pinned is not None:
        if _models(connection, pinned):
            return pinned
        raise _none(f"IRT_BANK_VERSION names the item bank {pinned}, and there is no such bank")
    version = connection.exec_driver_sql(ADOPTED_LAST).scalar_one_or_none()
    if version is None:
        raise _none("No item bank is in force")
    return str(version)


def adopt(connection: sa.Connection, version: str, at: dt.datetime) -> None:
    """Put a saved bank in force from now on; an earlier one comes back in force by being adopted again.

    Raises:
        NoItemBank: no calibration of this version was saved.
        NotConverged: it was, and had not converged.
    """
    _lock(connection)
    chosen = sa.select(mirt_fit_meta.c.converged).where(mirt_fit_meta.c.version == version)
    converged = connection.execute(chosen).scalar_one_or_none()
    if converged is None:
        raise _none(f"There is no calibration {version}")
    if not converged:
        raise NotConverged(
            f"The calibration {version} did not converge; the item bank in force stays.", remedy="Look at its fit."
        )
    connection.execute(sa.update(mirt_fit_meta).where(mirt_fit_meta.c.version == version).values(adopted_at=at))


def _model(connection: sa.Connection, version: str, chosen: Model | None) -> Model:
    """The model of a version, or the chosen one of several. Raises: as `load`."""
    models = _models(connection, version)
    if not models:
        raise _none(f"There is no item bank {version}")
    if len(models) > 1 and chosen not in models:
        raise InvalidInput(
            f"Item bank {version} is there for {' and '.join(models)}",
            where=f"Item bank {version}",
            remedy="name one of them in IRT_MODEL.",
        )
    model = chosen if len(models) > 1 else models[0]
    if model not in get_args(Model):
        raise InvalidInput(
            f"Item bank {version} is of the model {model}, and this scores with {', '.join(get_args(Model))}.",
            where=f"Item bank {version}",
        )
    return cast("Model", model)


def _models(connection: sa.Connection, version: str) -> list[str]:
    query = sa.select(mirt_item_params.c.model).where(mirt_item_params.c.version == version).distinct()
    ours = connection.execute(query).scalars().all()
    return sorted(ours or {row.model for row in platform_tables.bank(connection, version)})


def _lock(connection: sa.Connection) -> None:
    """Two calibrations of one version would both find it free; readers go on."""
    connection.exec_driver_sql("LOCK TABLE seedtest_mirt_fit_meta IN SHARE ROW EXCLUSIVE MODE")


def _same(stored: ItemBank, bank: ItemBank) -> bool:
    order = sorted(range(len(bank.item_keys)), key=lambda j: bank.item_keys[j].encode())
    return stored.item_keys == tuple(bank.item_keys[j] for j in order) and all(
        np.array_equal(mine, theirs[order])
        for mine, theirs in ((stored.a, bank.a), (stored.b, bank.b), (stored.c, bank.c))
    )


def _parameter(version: str, rows: Sequence[Any], name: str, missing: float | None = None) -> Floats:
    values = [row.params.get(name) if isinstance(row.params, dict) else None for row in rows]
    values = [missing if value is None else value for value in values]
    for row, value in zip(rows, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput(f"item {row.item_id} has no number {name} in params.", where=f"Item bank {version}")
    return np.array(values, np.float64)


def _errors(covariance: Floats | None, n_items: int) -> list[dict[str, float | None] | None]:
    """Per item the standard errors of a, b and c, and as ab, ac, bc their covariances; JSON has no NaN."""
    if covariance is None:
        return [None] * n_items
    names = {"a": (0, 0), "b": (1, 1), "c": (2, 2), "ab": (0, 1), "ac": (0, 2), "bc": (1, 2)}
    values = {name: np.sqrt(covariance[:, k, m]) if k == m else covariance[:, k, m] for name, (k, m) in names.items()}
    return [
        {name: float(of[j]) if np.isfinite(of[j]) else None for name, of in values.items()} for j in range(n_items)
    ]  # fmt: skip


def precision(connection: sa.Connection, bank: ItemBank) -> tuple[Floats, Ints, list[dt.datetime]]:
    """Of each item as `save` took it: the covariance of a, b and c, shape (J, 3, 3), on how many answers they rest,
    shape (J,), and since when. NaN, 0 and 1 January of the year 1 where the bank does not say."""
    query = sa.select(
        mirt_item_params.c.item_id, mirt_item_params.c.standard_errors, mirt_item_params.c.n_responses,
        mirt_item_params.c.fitted_at,
    ).where(mirt_item_params.c.version == bank.version, mirt_item_params.c.model == bank.model)  # fmt: skip
    found, n = np.full((len(bank.item_keys), 3, 3), np.nan), np.zeros(len(bank.item_keys), np.int64)
    since = [dt.datetime(1, 1, 1, tzinfo=dt.UTC)] * len(bank.item_keys)
    for key, errors, n_responses, fitted_at in connection.execute(query):
        j = bank.place[key]
        n[j] = n_responses or 0
        since[j] = fitted_at or since[j]
        of = errors if isinstance(errors, dict) else {}
        for k, first in enumerate("abc"):
            found[j, k, k] = _squared(of.get(first))
            for m in range(k):
                both = of.get("abc"[m] + first)
                found[j, k, m] = found[j, m, k] = np.nan if both is None else both
    return found, n, since


def _squared(value: float | None) -> float:
    return np.nan if value is None else value**2


def _none(what: str) -> NoItemBank:
    return NoItemBank(f"{what}.", remedy="Run: seedtest calibrate")
