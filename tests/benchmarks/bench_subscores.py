"""Topics beside a learner's level: how often one is named for nothing, and what is seen where topics differ.

    OPENBLAS_NUM_THREADS=1 python -m tests.benchmarks.bench_subscores [--learners 3000]

Through the product, from answers of eight weeks to what a report is given to say. "told" is the share of learners who
read of any topic that it is above or below their level: 5 % at most where all are alike. "covered" is the share of the
95 % intervals of what is shown that hold the truth. It takes about two minutes.
"""

import argparse

from tests.benchmarks.subscore_simulation import Scenario, rates

ALIKE = [
    *(
        Scenario(topics, n, level)
        for level in (-2.0, 0.0, 2.0)
        for topics, n in ((2, 20), (3, 40), (6, 10), (6, 30), (12, 15))
    ),
    Scenario(6, 30, 2.0, guessing=0.2),
    Scenario(6, 30, -2.0, guessing=0.2),
    Scenario(6, 30, growth=0.15),
    Scenario(6, 30, growth=0.15, in_turn=True),
    Scenario(3, 30, growth=0.15, in_turn=True),
]
DIFFERENT = [
    Scenario(topics, n, spread=spread)
    for spread in (0.2, 0.4, 0.7)
    for topics, n in ((2, 30), (6, 10), (6, 30), (6, 60), (12, 30))
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=3_000)
    n = parser.parse_args().learners
    heads = ("topics", "answers", "level", "spread", "a week", "guess", "told", "shown", "covered", "error", "by level")
    for title, scenarios in (("All topics alike", ALIKE), ("Topics that differ", DIFFERENT)):
        print(f"\n{title}\n" + "".join(f"{head:>9}" for head in heads))
        for seed, of in enumerate(scenarios):
            found = rates(of, n, seed)
            print(
                f"{of.topics:9}{of.per_topic:9}{of.level:9.1f}{of.spread:9.1f}{of.growth:9.2f}{of.guessing:9.1f}"
                f"{found.told:9.3f}{found.shown:9.3f}{found.covered:9.3f}{found.error:9.2f}{found.error_of_level:9.2f}"
                + ("  one topic after the other" if of.in_turn else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()
