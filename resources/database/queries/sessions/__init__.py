"""What the platform wrote: answers, which of them changed, which have no update; and whose are not read."""
