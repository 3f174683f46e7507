"""Sunny Street, all of it at once: ``scripts/demo`` starts this."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from custom_components.energy_marketplace.ledger.client import NodeError
from simulation.home_assistant.client import HomeAssistantError
from simulation.opening import Say
from simulation.processes import ProcessFailedError, tail
from simulation.report import Json
from simulation.scene import open_scene, prove, show
from simulation.stage import FOLDER, Stage, StageError, alone

EXPECTED = (StageError, ProcessFailedError, HomeAssistantError, NodeError, TimeoutError)
LAST_PORT = 65_535


@dataclass(frozen=True)
class Options:
    """What the command line asks for; ``until_settled`` None runs until Ctrl-C."""

    port: int
    until_settled: int | None
    as_json: bool
    hybrid: bool = False


async def run(options: Options) -> Json | None:
    """Play the demo as the options say."""
    _stop_on_signals()

    def say(line: str) -> None:
        print(line, file=sys.stderr if options.as_json else sys.stdout, flush=True)

    with alone(FOLDER):
        return await _play(options, say)


async def _play(options: Options, say: Say) -> Json | None:
    async with open_scene(Stage.fresh(options.port, hybrid=options.hybrid), say) as scene:
        if options.until_settled is None:
            await show(scene, say)
            return None
        return await prove(scene, options.until_settled)


def main() -> int:
    """Run the demo; return the exit status."""
    options = _options()
    try:
        report = asyncio.run(run(options))
    except asyncio.CancelledError, KeyboardInterrupt:
        return 0 if options.until_settled is None else 130
    except Exception as error:
        causes = list(_leaves(error))
        if not all(isinstance(cause, EXPECTED) for cause in causes):
            raise
        _complain(causes)
        return 1
    if report:
        print(json.dumps(report, indent=2, ensure_ascii=False) if options.as_json else _in_short(report))
    return 0


def _in_short(report: Json) -> str:
    total = report["total"]
    return (
        f"{len(report['trades'])} trades settled after {report['seconds']} s; "
        f"all money together: {total['before']} nano before, {total['after']} after"
    )


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A street that trades its sunshine, with a real Home Assistant in it.",
    )
    parser.add_argument("--port", type=int, default=8123, help="Home Assistant's port (default: %(default)s)")
    parser.add_argument(
        "--until-settled",
        type=int,
        metavar="N",
        help="end when N trades of the Home Assistant home are settled",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="with --until-settled: print one JSON object, and nothing else, on stdout",
    )
    parser.add_argument(
        "--hybrid", action="store_true", help="a quantum-safe network: what matters is signed twice"
    )
    given = parser.parse_args()
    if not 1 <= given.port <= LAST_PORT:
        parser.error(f"--port takes a number from 1 to {LAST_PORT}")
    if given.until_settled is not None and given.until_settled < 1:
        parser.error("--until-settled takes a number of at least 1")
    if given.json and given.until_settled is None:
        parser.error("--json goes with --until-settled")
    return Options(given.port, given.until_settled, given.json, given.hybrid)


def _stop_on_signals() -> None:
    """Let a signal end the demo the way Ctrl-C does: everything that was opened is closed."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Return the errors in nested groups, one by one."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _complain(causes: list[BaseException]) -> None:
    """Say what went wrong, with the end of each log."""
    began = not any(isinstance(cause, StageError) for cause in causes)
    for log in sorted((FOLDER / "logs").glob("*.log")) if began else ():
        print(tail(log), file=sys.stderr)
    for cause in causes:
        print(f"The demo stopped: {cause or type(cause).__name__}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
