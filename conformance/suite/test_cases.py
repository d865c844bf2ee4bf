"""The cases of the plan as tests: the plugin of a run replaces this function by one item for each case."""


def test_case() -> None:
    """The result of one case."""
