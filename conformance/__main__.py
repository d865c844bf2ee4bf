"""The command `capture-conformance`: handles signals and streams before it loads anything else."""

from __future__ import annotations

import gc
import sys
import traceback

from conformance.process import (
    Interrupted,
    Interruption,
    handle_signals,
    ignore_signals,
    protect_streams,
    report_unraisable,
    signals_handled,
)


def main() -> None:
    """Entry point. What goes wrong while the command is loaded has an exit status of its own, too."""
    try:
        sys.unraisablehook = report_unraisable
        handle_signals()
        protect_streams()
        with signals_handled() as interruption:
            _load_and_call(interruption)
    except Interrupted:
        sys.exit(130)
    finally:
        ignore_signals()
        gc.freeze()  # the end of the process frees all memory at once; looking through it first takes a fifth of a second


def _load_and_call(interruption: Interruption) -> None:
    try:
        from conformance.cli import main as command
    except BaseException:  # noqa: BLE001 - whatever it is, it is no finding about a target
        if interruption.received:
            sys.exit(130)
        traceback.print_exc()
        sys.exit(4)
    command()


if __name__ == "__main__":
    main()
