"""`python -m simulation.study`: the agent on recorded days of ten homes, against other ways to live."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from simulation.study.recordings import HOMES, Recording, RecordingsError, composed, recorded, simbench_folder
from simulation.study.report import figures, table
from simulation.study.run import MINDS, Days, Played, play

_SEASONS = (22, 113, 204, 288)
"""Days of the year with which a season of the study begins."""
_AHEAD = 2
"""Days of the recording beyond the last that is lived: what perfect foresight looks at."""


def main() -> int:
    """Play, tell the progress, print what was found."""
    options = _options()
    days = Days(options.learn, options.days)
    try:
        seasons = _seasons(options, days)
    except RecordingsError as error:
        print(error, file=sys.stderr)
        return 2
    runs: dict[str, list[Played]] = {}
    for mind in options.minds.split(","):
        runs[mind] = [
            play(homes, MINDS[mind], days, partial(_say, f"{mind}, season {number}"))
            for number, homes in enumerate(seasons, 1)
        ]
    found = figures(runs, days)
    print(json.dumps(found, indent=1) if options.json else table(found))
    return 0


def _seasons(options: argparse.Namespace, days: Days) -> list[list[Recording]]:
    count = days.learned + days.lived + _AHEAD
    homes = HOMES[: options.homes]
    if options.composed:
        return [composed(homes, count)]
    folder = simbench_folder(options.profiles)
    starts = [int(day) for day in options.seasons.split(",")]
    return [recorded(folder, homes, start - days.learned, count) for start in starts]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="study", description=__doc__)
    parser.add_argument("--days", type=int, default=5, help="days lived in each season")
    parser.add_argument("--learn", type=int, default=21, help="days before them that homes only learn")
    parser.add_argument(
        "--seasons", default=",".join(map(str, _SEASONS)), help="first days of the year, from 0"
    )
    parser.add_argument("--homes", type=int, default=len(HOMES), help="so many of the ten homes")
    parser.add_argument("--minds", default=",".join(MINDS), help=f"of {', '.join(MINDS)}")
    parser.add_argument(
        "--profiles", type=Path, help="folder with SimBench's LoadProfile.csv and RESProfile.csv"
    )
    parser.add_argument("--composed", action="store_true", help="made-up days instead of recorded ones")
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    return parser.parse_args()


def _say(at: str, text: str) -> None:
    print(f"· {at}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
