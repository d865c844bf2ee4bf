"""One sending: its trip, money, pace, provocation and burst. Makes an event of every step; never judges."""


class Unsent(Exception):
    """The request was not sent; the message is the reason, met during the run."""
