"""`python -m seedtest_pipeline`: the command line, also where no script is on the PATH."""

from seedtest_pipeline.cli.main import main

main()
