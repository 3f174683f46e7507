"""The auction as a mixed-integer program, for the choice of blocks and all-or-nothing bids.

One variable per chance to trade, per link and slot, per possible start of a block, and per all-or-nothing
bid. Rows: energy balance of every place, the energy of every flexible bid, one start per block. Solved in
floating point through OR-tools' MathOpt.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import Integers
from .columns import FLOAT_SIZE, UNLIMITED, Columns, Entries, FlexibleEntries
from .network import Acceptance

type Floats = NDArray[np.float64]

EFFORT = 20_000_000
"""Branchings x variables after which the best found is taken: the same everywhere, unlike a time limit."""
SANE = 2.0**57
"""Numbers beyond this are of no use for a proof in 64 bits."""
HANDY = 2.0**20
"""Amounts up to this go to the solver as they are: very large numbers make it stumble."""
GOAL_BITS = 10
"""Size of the greatest coefficient of a goal, for the same reason."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Entries of the rows, in parallel columns."""

    row: Integers
    variable: Integers
    factor: Floats


@dataclass(frozen=True, eq=False)
class Program:
    """The program; `goals` are four objectives to maximise: welfare, volume, then ranks and slots negated.

    The last variables are the possible `starts` of blocks (rank, slot), then the all-or-nothing bids `whole`.
    The first rows balance the places. Energy is in `energy_unit` Wh, and each goal is divided by its
    `goal_units` besides, powers of two that leave the solver numbers it can work with.
    """

    lower: Floats
    upper: Floats
    matrix: Matrix
    row_lower: Floats
    row_upper: Floats
    goals: Floats
    energy_unit: float
    goal_units: Floats
    starts: tuple[tuple[int, int], ...]
    whole: tuple[int, ...]
    places: int

    @property
    def size(self) -> int:
        """How many variables it has."""
        return len(self.lower)

    def in_units(self, score: Sequence[int]) -> list[float]:
        """Tell what the first goals reached, in the program's units."""
        return [
            value / (self.energy_unit * unit)
            for value, unit in zip(score, self.goal_units.tolist(), strict=False)
        ]


def build_program(columns: Columns, dropped: frozenset[int]) -> Program:
    """Write the program, with the dropped orders left out."""
    energy_unit = _energy_unit(columns)
    columns = _measured(columns, energy_unit)
    starts = tuple((block.rank, start) for block in columns.blocks for start in block.starts)
    whole = tuple(columns.flexible.rank_of[columns.flexible.whole_of].tolist())
    yes = np.array([rank not in dropped for rank in [rank for rank, _ in starts] + list(whole)], dtype=float)
    offers, fixed, flexible = columns.offers, columns.fixed, columns.flexible
    limits = [
        np.where((limit == UNLIMITED) | (limit > FLOAT_SIZE), np.inf, limit / energy_unit)
        for limit in (columns.down_limit, columns.up_limit)
    ]
    amounts = [offers.wh, fixed.wh, flexible.wh]
    row_lower, row_upper = _row_limits(columns)
    goals = _goals(columns, len(whole))
    goal_units = np.exp2(np.frexp(np.abs(goals).max(axis=1, initial=0.0))[1] - GOAL_BITS)
    return Program(
        lower=np.concatenate([np.zeros(sum(map(len, amounts))), -limits[0], np.zeros(len(yes))]),
        upper=np.concatenate([*amounts, limits[1], yes]).astype(float),
        matrix=_matrix(columns, len(starts)),
        row_lower=row_lower,
        row_upper=row_upper,
        goals=goals / goal_units[:, np.newaxis],
        energy_unit=energy_unit,
        goal_units=goal_units,
        starts=starts,
        whole=whole,
        places=columns.places,
    )


def _energy_unit(columns: Columns) -> float:
    parts = (columns.offers.wh, columns.fixed.wh, columns.flexible.wh)
    amounts = (*parts, *(block.profile for block in columns.blocks))
    greatest = max(float(column.max(initial=0)) for column in amounts)
    return 2.0 ** max(0, math.frexp(greatest / HANDY)[1])


def _measured(columns: Columns, energy_unit: float) -> Columns:
    """Tell all amounts in another unit, and prices too as floating-point numbers."""

    def entries[T: (Entries, FlexibleEntries)](part: T) -> T:
        return replace(part, wh=part.wh / energy_unit, worth=part.worth.astype(float))

    flexible = entries(columns.flexible)
    return replace(
        columns,
        offers=entries(columns.offers),
        fixed=entries(columns.fixed),
        flexible=replace(flexible, energy_of=flexible.energy_of / energy_unit),
        blocks=tuple(
            replace(block, profile=block.profile / energy_unit, worth=block.worth.astype(float))
            for block in columns.blocks
        ),
    )


def solve_program(program: Program, goal: int, floors: Sequence[int]) -> Acceptance | None:
    """Choose what maximises one goal while the earlier ones reach their floors; None if nothing was found.

    SCIP, because MathOpt's HiGHS writes to standard output and fails on some small books.
    """
    from ortools.math_opt.python import mathopt

    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=0.0,
        node_limit=max(1, EFFORT // program.size),
        random_seed=1,
        threads=1,
    )
    model = mathopt.Model.from_model_proto(_model(program, goal, floors, integral=True))
    result = _solve(model, mathopt.SolverType.GSCIP, parameters)
    if result is None or not result.has_primal_feasible_solution():
        return None
    return _read_acceptance(program, np.array(result.variable_values(list(model.variables()))))


def worth_of_energy(program: Program) -> Floats | None:
    """Find what energy is worth in each place if orders could be accepted in part; None if that fails."""
    from ortools.math_opt.python import mathopt

    model = mathopt.Model.from_model_proto(_model(program, 0, (), integral=False))
    parameters = mathopt.SolveParameters(lp_algorithm=mathopt.LPAlgorithm.DUAL_SIMPLEX)
    result = _solve(model, mathopt.SolverType.GLOP, parameters)
    if result is None or not result.has_dual_feasible_solution():
        return None
    worth = -np.array(result.dual_values(list(model.linear_constraints())[: program.places]))
    worth *= program.goal_units[0]
    return worth if np.abs(worth).max(initial=0.0) < SANE else None


def _solve(model: Any, solver: Any, parameters: Any) -> Any:
    """Run a solver; None if it gives up, as it may on numbers of very different sizes."""
    from ortools.math_opt.python import mathopt

    try:
        return mathopt.solve(model, solver, params=parameters)
    except AttributeError, RuntimeError, ValueError:  # the first is how OR-tools 9.15 fails to tell of one
        return None


def _read_acceptance(program: Program, values: Floats) -> Acceptance:
    chosen = values[program.size - len(program.starts) - len(program.whole) :] > 0.5
    starts, whole = chosen[: len(program.starts)].tolist(), chosen[len(program.starts) :].tolist()
    return Acceptance(
        dict(run for run, yes in zip(program.starts, starts, strict=True) if yes),
        frozenset(rank for rank, yes in zip(program.whole, whole, strict=True) if yes),
    )


def _model(program: Program, goal: int, floors: Sequence[int], *, integral: bool) -> Any:
    from ortools.math_opt import model_pb2

    size, rows = program.size, len(program.row_lower)
    yes_or_no = len(program.starts) + len(program.whole)
    model = model_pb2.ModelProto()
    variables, constraints, matrix = model.variables, model.linear_constraints, model.linear_constraint_matrix
    variables.ids.extend(range(size))
    variables.lower_bounds.extend(program.lower.tolist())
    variables.upper_bounds.extend(program.upper.tolist())
    variables.integers.extend([False] * (size - yes_or_no) + [integral] * yes_or_no)
    model.objective.maximize = True
    _fill_sparse(model.objective.linear_coefficients, program.goals[goal])
    constraints.ids.extend(range(rows + len(floors)))
    constraints.lower_bounds.extend(
        [*program.row_lower.tolist(), *(map(_just_below, program.in_units(floors)))]
    )
    constraints.upper_bounds.extend([*program.row_upper.tolist(), *([np.inf] * len(floors))])
    order = np.lexsort((program.matrix.variable, program.matrix.row))
    matrix.row_ids.extend(program.matrix.row[order].tolist())
    matrix.column_ids.extend(program.matrix.variable[order].tolist())
    matrix.coefficients.extend(program.matrix.factor[order].tolist())
    for row, earlier in enumerate(program.goals[: len(floors)], start=rows):
        used = np.flatnonzero(earlier)
        matrix.row_ids.extend([row] * len(used))
        matrix.column_ids.extend(used.tolist())
        matrix.coefficients.extend(earlier[used].tolist())
    return model


def _fill_sparse(vector: Any, values: Floats) -> None:
    used = np.flatnonzero(values)
    vector.ids.extend(used.tolist())
    vector.values.extend(values[used].tolist())


def _just_below(value: float) -> float:
    """Leave room for the rounding of floating point, far less than the least step of any goal."""
    return value - max(1e-4, abs(value) * 1e-13)


def _row_limits(columns: Columns) -> tuple[Floats, Floats]:
    flexible = columns.flexible
    balanced = np.zeros(columns.places)
    energy = np.where(flexible.whole_of, 0.0, flexible.energy_of.astype(float))
    least = np.where(flexible.whole_of, 0.0, -np.inf)
    blocks = np.ones(len(columns.blocks))
    return (
        np.concatenate([balanced, least, -np.inf * blocks]),
        np.concatenate([balanced, energy, blocks]),
    )


def _matrix(columns: Columns, starts: int) -> Matrix:
    offers, fixed, flexible = columns.offers, columns.fixed, columns.flexible
    sizes = [len(offers.wh), len(fixed.wh), len(flexible.wh), len(columns.child), starts]
    offer, bid, part, link, start = (
        np.arange(end - size, end) for size, end in zip(sizes, np.cumsum(sizes).tolist(), strict=True)
    )
    whole = np.flatnonzero(flexible.whole_of)
    yes = sum(sizes) + np.arange(len(whole))
    bid_row = columns.places + flexible.bid
    entries = [
        (offers.place, offer, np.ones(len(offer))),
        (fixed.place, bid, -np.ones(len(bid))),
        (flexible.place, part, -np.ones(len(part))),
        (bid_row, part, np.ones(len(part))),
        (columns.child, link, -np.ones(len(link))),
        (columns.parent, link, np.ones(len(link))),
        (columns.places + whole, yes, -flexible.energy_of[whole].astype(float)),
        *_block_entries(columns, start),
    ]
    row, variable, factor = (np.concatenate(column) for column in zip(*entries, strict=True))
    return Matrix(row, variable, factor)


def _block_entries(columns: Columns, variables: Integers) -> list[tuple[Integers, Integers, Floats]]:
    entries = []
    first_row = columns.places + len(columns.flexible.energy_of)
    position = 0
    for index, block in enumerate(columns.blocks):
        for start in block.starts:
            variable = variables[position : position + 1]
            place = block.place[block.span(start)]
            entries.append((place, variable.repeat(len(place)), -block.profile.astype(float)))
            entries.append((np.array([first_row + index]), variable, np.ones(1)))
            position += 1
    return entries


def _goals(columns: Columns, whole: int) -> Floats:
    offers, fixed, flexible = columns.offers, columns.fixed, columns.flexible
    none = np.zeros(len(columns.child)), np.zeros(whole)
    runs = [(block, block.span(start)) for block in columns.blocks for start in block.starts]
    run_worth = [block.profile.astype(float) @ block.worth[span].astype(float) for block, span in runs]
    run_ranks = [-block.rank * block.profile.sum(dtype=float) for block, _ in runs]
    bid_rank = flexible.rank_of[flexible.bid]
    no_bids = np.zeros(len(fixed.wh) + len(flexible.wh)), none[0], np.zeros(len(runs)), none[1]
    return np.stack(
        [
            np.concatenate([-offers.worth, fixed.worth, flexible.worth, none[0], run_worth, none[1]]),
            np.concatenate([np.ones(len(offers.wh)), *no_bids]),
            np.concatenate([-offers.rank, -fixed.rank, -bid_rank, none[0], run_ranks, none[1]]),
            np.concatenate([-2.0 * offers.slot, *no_bids]),
        ]
    ).astype(float)
