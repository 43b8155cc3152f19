"""The frozen answers of a week that count for ability: of each learner and item the first attempt ever."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from assets.abilities.seen_items import COLUMNS, SeenItems
from resources import calendar
from resources.answers.answers import Answers
from resources.answers.blanks import Omitted, scored
from resources.answers.counting import Attempt, counting
from resources.model import Week
from resources.warehouse.warehouse import Warehouse


@dataclass
class CountedAnswers:
    """Reads weeks in ascending order at little cost: what was answered before is read once for the same user keys.

    `attempt` is the rule. `first`: an item that was answered in an earlier week, from `first_week` on, does not count
    again. `last` and `all` know no earlier weeks: the last attempt of each week counts, or all do. `omitted` says what
    a question counts as that was passed over: as `wrong`, it was answered. `anew_weeks`: an item that was not answered
    for so many weeks counts again; 0: never.
    """

    warehouse: Warehouse
    first_week: Week
    attempt: Attempt
    omitted: Omitted
    anew_weeks: int = 0
    _seen: dict[tuple[str, ...], tuple[Week, SeenItems]] = field(default_factory=dict)

    def of(self, week: Week, user_keys: Sequence[str]) -> tuple[Answers, Answers]:
        """All answers of the week as they are scored, and those of them that count.

        Raises:
            OperatorRequired: the week, or an earlier one, was never frozen for one of the keys.
        """
        answers = scored(Answers.from_table(self.warehouse.read([week], user_keys)), self.omitted)
        return answers, self.among(answers, week, user_keys)

    def among(self, answers: Answers, first: Week, user_keys: Sequence[str]) -> Answers:
        """Those that count of these answers, which are all of the user keys' from the week `first` on, and of before
        it some that learners began with."""
        answers = scored(answers, self.omitted)
        counted = answers.take(counting(answers, self.attempt))
        if self.attempt == "first":
            unseen = self._before(first, tuple(user_keys)).unseen(counted)
            counted = counted.take(unseen | (counted.completed_at < calendar.as_numpy(first.begins_at)))
        return counted

    def _before(self, week: Week, user_keys: tuple[str, ...]) -> SeenItems:
        read_until, seen = self._seen.get(user_keys, (self.first_week, SeenItems(self.omitted, self.anew_weeks)))
        if read_until > week:
            read_until, seen = self.first_week, SeenItems(self.omitted, self.anew_weeks)
        for earlier in read_until.through(week.plus(-1)):
            seen.add(earlier, self.warehouse.read([earlier], user_keys, COLUMNS))
        self._seen[user_keys] = (max(week, self.first_week), seen)
        return seen
