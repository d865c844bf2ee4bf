"""One sending: its trip, money, pace, provocation and burst. Tells every step as an event; never judges."""


class Unsent(Exception):
    """The request was not sent; the message is the reason, met during the run."""
