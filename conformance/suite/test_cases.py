"""The cases of the plan as tests: the plugin of a run puts an item for each of them in the place of this function."""


def test_case() -> None:
    """What became of one case, told in the words of pytest."""
