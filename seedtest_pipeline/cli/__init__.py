"""The command `seedtest`, a file per group of commands. Must not hold: work; importing it is light."""
