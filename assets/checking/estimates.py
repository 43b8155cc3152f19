"""Checks of the weeks' estimates, each over the weeks and user keys of one run.

None of them reads more than those weeks: what another run made long ago is that run's matter.
"""

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from assets.abilities.plausibility import PLAUSIBLE_LOGITS
from assets.checking.finding import Finding, named
from assets.selection import Selection
from assets.user_keys import UserKeys
from resources.database.engine import transaction
from resources.database.queries.estimates import abilities, estimate_checks, populations
from resources.database.queries.items import item_banks
from resources.database.queries.items.item_banks import BankChoice
from resources.database.queries.learners import departed_learners
from resources.irt.growth.surprise import surprise
from resources.model import ItemBank
from resources.warehouse.warehouse import Warehouse

# One learner's estimate is that learner's matter; of so many the cause is common, and no report should go out.
FEW_IMPLAUSIBLE, SHARE_IMPLAUSIBLE = 3, 0.05
WARN_UNKNOWN, FAIL_UNKNOWN = 0.05, 0.20  # share of answers to items that are not in the bank
OLD_BANK_WEEKS = 52  # a school year: items drift, and new ones have come
# A surprise beyond chance that is large enough to matter, too: with many learners any model is wrong by some errors.
SURPRISING_ERRORS, SURPRISING_SHIFT, SURPRISING_SPREAD = 5.0, 0.1, 0.1
FEW_LEARNERS = 30
AGAIN = "run these weeks again for these keys (Materialize, or `seedtest run`)."


def plausible(engine: sa.Engine, chosen: Selection, keys: UserKeys) -> Finding:
    """No estimate lies beyond what can be; who has one gets no report."""
    with transaction(engine) as connection:
        found = estimate_checks.implausible(connection, chosen.weeks, PLAUSIBLE_LOGITS)
        bad = [(user, week) for user, week in found if keys.key_of(user) in chosen.keys[week]]
        n = estimate_checks.count(connection, chosen.weeks) if bad else 0
    if not bad:
        return Finding("passed", f"Every theta lies within ±{PLAUSIBLE_LOGITS:g} logits.")
    many = len(bad) > max(FEW_IMPLAUSIBLE, SHARE_IMPLAUSIBLE * n)
    who = named([f"{user} ({week})" for user, week in bad])
    what = (
        "So many have one cause: look at the item bank in force before anything is published."
        if many
        else "These learners get no report until it is mended, all others do. Look at their answers, then " + AGAIN
    )
    sentence = f"{len(bad)} estimates cannot be true: {who}. {what}"
    return Finding("failed" if many else "warning", sentence, {"implausible": len(bad)})


def complete(engine: sa.Engine, warehouse: Warehouse, chosen: Selection, keys: UserKeys) -> Finding:
    """Who answered has an estimate or is known to have nothing that can be scored; and nobody else has one."""
    without, too_many = Counter[str](), Counter[str]()
    n_answered = n_unscorable = 0
    with transaction(engine) as connection:
        gone = set(departed_learners.noticed(connection))
        for week, of_week in chosen.keys.items():
            answers = warehouse.read([week], of_week, ("user_id", "correct"))
            present = _users(answers)
            answered = _users(answers.filter(pc.is_valid(answers["correct"])))
            wanted = set(of_week)
            estimated = {u for u in estimate_checks.users(connection, week) if keys.key_of(u) in wanted}
            lacking = answered - estimated
            unscorable = set(abilities.made_from(connection, sorted(lacking), week))
            n_answered, n_unscorable = n_answered + len(answered), n_unscorable + len(unscorable)
            without.update(f"{keys.key_of(user)}|{week}" for user in lacking - unscorable)
            too_many.update(f"{keys.key_of(user)}|{week}" for user in estimated - present - gone)
    numbers: dict[str, int | float | str] = {
        "learners who answered": n_answered,
        "of them nothing can be scored": n_unscorable,
        "of them without an estimate": without.total(),
        "estimates without an answer": too_many.total(),
    }
    if without or too_many:
        where = named([f"{key} ({n})" for key, n in sorted((without + too_many).items())])
        return Finding(
            "failed",
            f"{without.total():,} learners answered and have no estimate, {too_many.total():,} have one and no answer. "
            f"Partitions: {where}. A run for single users leaves the others out: {AGAIN}",
            numbers,
        )
    return Finding("passed", "Whoever answered has an estimate, or nothing that can be scored.", numbers)


def answers_in_bank(engine: sa.Engine, warehouse: Warehouse, choice: BankChoice, chosen: Selection) -> Finding:
    """Most of what was answered is in the bank in force."""
    with transaction(engine) as connection:
        bank = item_banks.load_chosen(connection, choice)
    n = 0
    unknown = Counter[str]()
    for week, of_week in chosen.keys.items():
        answers = warehouse.read([week], of_week, ("item_key", "correct"))
        item_keys = answers.filter(pc.is_valid(answers["correct"]))["item_key"]
        n += len(item_keys)
        unknown.update(_unknown(item_keys, bank))
    share = unknown.total() / n if n else 0.0
    sentence = f"{share:.1%} of {n:,} answers are to items that are not in the bank {bank.version}"
    numbers: dict[str, int | float | str] = {"answers": n, "not in the bank": unknown.total(), "items": len(unknown)}
    if share < WARN_UNKNOWN:
        return Finding("passed", f"{sentence}.", numbers)
    most = named([f"{key} ({count:,})" for key, count in unknown.most_common(5)])
    remedy = "They do not count for anybody. Calibrate the new items: `seedtest calibrate`, then run the weeks again."
    sentence = f"{sentence}, most often {most}. {remedy}"
    return Finding("failed" if share >= FAIL_UNKNOWN else "warning", sentence, numbers)


def current(engine: sa.Engine, chosen: Selection, keys: UserKeys) -> Finding:
    """Nobody's current ability is older than the estimate of a week with answers."""
    with transaction(engine) as connection:
        found = estimate_checks.behind(connection, chosen.weeks)
    old = [(user, week) for user, week in found if keys.key_of(user) in chosen.keys[week]]
    if not old:
        return Finding("passed", "No current ability is older than the last week with answers.")
    who = named([f"{user} ({week})" for user, week in old])
    sentence = f"{len(old):,} current abilities are older than an estimate, or missing: {who}. To renew them, {AGAIN}"
    return Finding("warning", sentence, {"behind": len(old)})


def as_expected(engine: sa.Engine, chosen: Selection) -> Finding:
    """Mean and spread of each week's abilities are what the model of growth expects, within its error."""
    odd: list[str] = []
    numbers: dict[str, int | float | str] = {}
    with transaction(engine) as connection:
        known = {week: of.population for week, of in populations.until(connection, max(chosen.weeks)).items()}
        seen = {week: estimate_checks.innovations(connection, week) for week in chosen.weeks}
    for week, of_week in seen.items():
        if of_week is None or of_week.n < FEW_LEARNERS:
            continue
        drift_se = known[week].drift_se if week in known else math.nan
        found = surprise(of_week, drift_se)
        numbers[f"{week}, mean off by (logits)"] = round(found.shift, 3)
        numbers[f"{week}, spread over the expected"] = round(found.spread, 3)
        if abs(found.z_shift) > SURPRISING_ERRORS and abs(found.shift) > SURPRISING_SHIFT:
            odd.append(f"{week}: the mean lies {found.shift:+.2f} logits ({found.z_shift:+.0f} SE) off")
        if abs(found.z_spread) > SURPRISING_ERRORS and abs(found.spread - 1) > SURPRISING_SPREAD:
            odd.append(f"{week}: the spread is {found.spread:.2f} of the expected one ({found.z_spread:+.0f} SE)")
        before = known.get(week.plus(-1))
        if week in known and before and known[week].enough and before.enough:
            step, error = known[week].drift - before.drift, np.hypot(drift_se, before.drift_se)
            if abs(step) > SURPRISING_ERRORS * error + SURPRISING_SHIFT:
                odd.append(f"{week}: the group's drift jumped by {step:+.2f} logits (SE {error:.2f})")
    if not odd:
        return Finding("passed", "Mean and spread are what the model of growth expects.", numbers)
    remedy = "Was the item bank exchanged, a key corrected, a class added? Find out before reports are believed."
    return Finding("warning", f"{'; '.join(odd)}. {remedy}", numbers)


def bank_age(engine: sa.Engine, choice: BankChoice, chosen: Selection) -> Finding:
    """The bank in force was calibrated within a year of the newest week."""
    with transaction(engine) as connection:
        version, _ = item_banks.identify_chosen(connection, choice)
        fit = item_banks.fit(connection, version)
    if fit is None:
        return Finding("passed", f"When the bank {version} was calibrated is not recorded here.")
    weeks = max(0, (max(chosen.weeks).ends_at - fit.fitted_at).days // 7)
    numbers: dict[str, int | float | str] = {"weeks since its calibration": weeks}
    if weeks <= OLD_BANK_WEEKS:
        return Finding("passed", f"The bank {version} is {weeks} weeks old.", numbers)
    remedy = "Items drift, and new ones do not count: `seedtest calibrate`."
    return Finding("warning", f"The bank {version} is {weeks} weeks old. {remedy}", numbers)


def _users(answers: pa.Table) -> set[str]:
    unique: Any = pc.unique(answers["user_id"])
    return set(unique.to_pylist())


def _unknown(item_keys: Any, bank: ItemBank) -> dict[str, int]:
    """Answers to each item that is not in the bank, from an Arrow column."""
    counted: Any = pc.value_counts(item_keys)
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return {key: n for key, n in pairs if key not in bank.place}
