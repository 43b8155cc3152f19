"""The command `demo`: the whole pipeline on a synthetic exam."""

from seedtest_pipeline.cli import startup


def demo() -> None:
    """Run the whole pipeline on a synthetic exam: 200 learners, 8 weeks, a report for each learner and week."""
    from seedtest_pipeline.demo import walkthrough

    walkthrough.play(startup.parts().settings)
