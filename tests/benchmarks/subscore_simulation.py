"""Learners whose abilities in topics are known, with their answers: what subscores are judged by."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.publishing.findings import with_findings
from assets.publishing.report_inputs import report_inputs
from resources.answers.answers import Answers
from resources.answers.counting import counting
from resources.irt.response_functions import Floats, right_at
from resources.model import ItemBank, Week
from resources.reports.learner.report_input import Topic
from resources.reports.learner.scale import Scale
from tests import answer_tables

WEEK = Week.parse("2025-03-03")
WEEKS = 8
_ITEMS = 600


@dataclass(frozen=True)
class Scenario:
    """Learners at `level` (in logits), who answer `per_topic` items of each topic in eight weeks. Their topics lie
    around it with the SD `spread`; the level rises by `growth` a week; `in_turn`: one topic before the next."""

    topics: int
    per_topic: int
    level: float = 0.0
    spread: float = 0.0
    growth: float = 0.0
    guessing: float = 0.0
    in_turn: bool = False


@dataclass(frozen=True)
class Rates:
    """Shares: of learners who are told of any topic; of topics that are shown; of intervals of these that hold the
    truth. Root mean square errors in logits: of subscores that are shown, and of the level in their place."""

    told: float
    shown: float
    covered: float
    error: float
    error_of_level: float


def rates(of: Scenario, n_learners: int, seed: int) -> Rates:
    """Through the product: from answers to what a report is given to say. Who answered nothing in the last week has no
    report."""
    bank, answers, truth = _simulated(of, n_learners, seed)
    members = [f"u{i}" for i in range(n_learners)]
    nothing = pd.DataFrame(columns=["user_id", "week_start", "theta", "se", "n_items", "n_unknown_item", "n_unusable",
                                    "model", "version", "prior_mean", "prior_sd"])  # fmt: skip
    found = with_findings(list(report_inputs(
        WEEK, members, answers, answers.take(counting(answers)), nothing, np.zeros(0), bank=bank, scale=Scale(),
        window_days=30,
    )))  # fmt: skip
    told: list[Sequence[Topic]] = [report.topics for report in found]
    shown = [(int(report.user_id[1:]), topic) for report in found for topic in report.topics if topic.reliable]
    true = np.array([truth[i, int(topic.name)] for i, topic in shown])
    deviation, se = (np.array([getattr(topic, name) for _, topic in shown]) for name in ("deviation", "se"))
    return Rates(
        told=float(np.mean([any(topic.verdict in ("above", "below") for topic in topics) for topics in told])),
        shown=len(shown) / sum(map(len, told)),
        covered=float(np.mean(np.abs(deviation - true) <= 1.96 * se)) if shown else np.nan,
        error=float(np.sqrt(np.mean((deviation - true) ** 2))) if shown else np.nan,
        error_of_level=float(np.sqrt(np.mean(true**2))) if shown else np.nan,
    )


def _simulated(of: Scenario, n_learners: int, seed: int) -> tuple[ItemBank, Answers, Floats]:
    """The bank, the answers, and how far each topic lies from the learner's level: shape (n_learners, n_topics)."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.lognormal(0, 0.3, _ITEMS), rng.normal(0, 1, _ITEMS), np.full(_ITEMS, of.guessing)
    bank = ItemBank("true", "3PL" if of.guessing else "2PL", tuple(f"i{j}" for j in range(_ITEMS)), a, b, c)
    topic = np.tile(np.repeat(np.arange(of.topics), of.per_topic), (n_learners, 1))
    pool = np.arange(_ITEMS) % of.topics
    item = np.concatenate([
        rng.permuted(np.tile(np.flatnonzero(pool == k), (n_learners, 1)), axis=1)[:, : of.per_topic]
        for k in range(of.topics)
    ], axis=1)  # fmt: skip
    weeks = rng.random(item.shape) * WEEKS
    if of.in_turn:
        weeks = np.sort(weeks, axis=1)
    beside = rng.normal(0, of.spread, (n_learners, of.topics))
    theta = of.level + of.growth * (weeks - WEEKS / 2) + np.take_along_axis(beside, topic, axis=1)
    p = right_at(bank.items.at(item), theta)
    information = a[item] ** 2 * p * (1 - p)
    share = np.stack([np.where(topic == k, information, 0).sum(axis=1) for k in range(of.topics)], axis=1)
    level = (share * beside).sum(axis=1) / share.sum(axis=1)
    began = pd.Timestamp(WEEK.ends_at) - dt.timedelta(weeks=WEEKS)
    frame = pd.DataFrame({
        "user_id": np.repeat([f"u{i}" for i in range(n_learners)], item.shape[1]),
        "item_key": np.array(bank.item_keys, dtype=object)[item.ravel()], "correct": (rng.random(p.shape) < p).ravel(),
        "completed_at": began + pd.to_timedelta(weeks.ravel() * 7 * 86_400_000_000, unit="us").round("us"),
        "topic_id": topic.ravel().astype(str),
    })  # fmt: skip
    return bank, answer_tables.answers(frame), beside - level[:, None]
