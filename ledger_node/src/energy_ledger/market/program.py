"""The auction as a mixed-integer program, for the choice of blocks and all-or-nothing bids.

One variable per chance to trade, per link and slot, per possible start of a block, and per all-or-nothing
bid. Rows: energy balance of every place, the energy of every flexible bid, one start per block. Solved by
HiGHS through OR-tools' MathOpt, in floating point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import Integers
from .columns import UNLIMITED, Columns
from .network import Acceptance

type Floats = NDArray[np.float64]

NODE_LIMIT = 20_000
"""Branchings after which the best found so far is taken: the same on every machine, unlike a time limit."""
TOLERANCE = 1e-9


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
    The first rows balance the places.
    """

    lower: Floats
    upper: Floats
    matrix: Matrix
    row_lower: Floats
    row_upper: Floats
    goals: Floats
    starts: tuple[tuple[int, int], ...]
    whole: tuple[int, ...]
    places: int


@dataclass(frozen=True, eq=False)
class Answer:
    """What the solver says: which orders to accept, and what energy is worth in each place."""

    acceptance: Acceptance
    worth: Floats


def build_program(columns: Columns, dropped: frozenset[int]) -> Program:
    """Write the program, with the dropped orders left out."""
    starts = tuple((block.rank, start) for block in columns.blocks for start in block.starts)
    whole = tuple(columns.flexible.rank_of[columns.flexible.whole_of].tolist())
    yes = np.array([rank not in dropped for rank in [rank for rank, _ in starts] + list(whole)], dtype=float)
    offers, fixed, flexible = columns.offers, columns.fixed, columns.flexible
    limits = [np.where(limit == UNLIMITED, np.inf, limit) for limit in (columns.down_limit, columns.up_limit)]
    amounts = [offers.wh, fixed.wh, flexible.wh]
    row_lower, row_upper = _row_limits(columns)
    return Program(
        lower=np.concatenate([np.zeros(sum(map(len, amounts))), -limits[0], np.zeros(len(yes))]),
        upper=np.concatenate([*amounts, limits[1], yes]).astype(float),
        matrix=_matrix(columns, len(starts)),
        row_lower=row_lower,
        row_upper=row_upper,
        goals=_goals(columns, len(whole)),
        starts=starts,
        whole=whole,
        places=columns.places,
    )


def solve_program(
    program: Program, goal: int, floors: Sequence[int], *, relaxed: bool = False
) -> Answer | None:
    """Maximise one goal while the earlier ones reach their floors; None if nothing was found.

    `relaxed` lets blocks and all-or-nothing bids be accepted in part, which gives the worth of energy.
    """
    from ortools.math_opt.python import mathopt

    model = mathopt.Model.from_model_proto(_model(program, goal, floors, integral=not relaxed))
    result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=_parameters())
    if not result.has_primal_feasible_solution():
        return None
    values = np.array(result.variable_values(list(model.variables())))
    worth = np.zeros(program.places)
    if relaxed and result.has_dual_feasible_solution():
        rows = list(model.linear_constraints())[: program.places]
        worth = -np.array(result.dual_values(rows))
    return Answer(_read_acceptance(program, values), worth)


def _read_acceptance(program: Program, values: Floats) -> Acceptance:
    chosen = values[len(values) - len(program.starts) - len(program.whole) :] > 0.5
    starts = dict(start for start, yes in zip(program.starts, chosen.tolist(), strict=False) if yes)
    whole = [
        rank for rank, yes in zip(program.whole, chosen[len(program.starts) :].tolist(), strict=True) if yes
    ]
    return Acceptance(starts, frozenset(whole))


def _parameters() -> Any:
    from ortools.math_opt.python import mathopt

    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=0.0, absolute_gap_tolerance=0.0, node_limit=NODE_LIMIT, random_seed=1
    )
    parameters.highs.string_options["parallel"] = "off"
    for name in ("mip_feasibility_tolerance", "primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        parameters.highs.double_options[name] = TOLERANCE
    return parameters


def _model(program: Program, goal: int, floors: Sequence[int], *, integral: bool) -> Any:
    from ortools.math_opt import model_pb2

    size, rows = len(program.lower), len(program.row_lower)
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
    constraints.lower_bounds.extend([*program.row_lower.tolist(), *(map(_just_below, floors))])
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


def _just_below(value: int) -> float:
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
    run_worth = [float(sum(block.profile * block.worth[span])) for block, span in runs]
    run_ranks = [-float(block.rank * sum(block.profile)) for block, _ in runs]
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
