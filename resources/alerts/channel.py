"""What a channel of alerts is: a name, and a way to send."""

from typing import Protocol


class Channel(Protocol):
    @property
    def name(self) -> str:
        """For the sensor that uses it: letters and underscores."""
        ...

    def send(self, subject: str, text: str) -> str:
        """Deliver `text`, plain, of a few lines; `subject` is one line, where the channel has such.

        Returns a sentence about those who did not get it, where others did; empty where all got it.

        Raises:
            RetryLater: the service does not answer now; it may have taken the message all the same.
            OperatorRequired: it refuses this message, and would refuse it again.
        """
        ...
