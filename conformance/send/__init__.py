"""One sending: its trip, money, pace, provocation and burst. Makes an event of every step; never judges."""


class Unsent(Exception):
    """The request was not sent; the message is the reason, met during the run."""


class NoCredentials(Exception):
    """No credentials could be obtained, so nothing more can be sent; the message is the reason."""
