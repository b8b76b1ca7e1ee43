import itertools

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from stepbox.analysis.boxes.approximation import approximate_function
from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.free import FreeBoxes
from stepbox.analysis.boxes.minimality import free_boxes
from stepbox.analysis.expressions import Expression
from stepbox.errors import InvalidInputError
from tests.exact import exact

SMOOTH = ["x**2", "abs(x)", "exp(x)", "sin(3*x)", "1/(x+4)", "sqrt(x+3)", "x**3", "cos(x)*x"]
JUMPING = ["floor(x)", "step(x)", "sin(x)+step(x-0.1)", "sign(x-1)*x", "floor(2*x)/2+x"]


def boxes_of(text, *, bound=3.0, boxes=None, tolerance=None):
    free = FreeBoxes(find_pieces(Expression(text), bound, jumps_apart=True), bound)
    found, minimality = free_boxes(free, boxes, tolerance)
    return found, free.pieces.tight_error(found), minimality


def check_pairs(text, minimality):
    """Check the proof without the code that made it, at 120 digits."""
    pairs = minimality.pairs
    assert len(pairs) == minimality.at_least - 1
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert (pairs[:-1, 1] <= pairs[1:, 0]).all()
    for a, b in pairs.tolist():
        assert abs(exact(text, a) - exact(text, b)) > 2 * arb(minimality.error)


@pytest.mark.parametrize("tolerance", [0.013, 0.17])
@pytest.mark.parametrize("text", [*SMOOTH, *JUMPING])
def test_the_fewest_boxes_are_within_the_tolerance_and_fewer_are_not(text, tolerance):
    boxes, error, minimality = boxes_of(text, tolerance=tolerance)

    assert error <= tolerance
    x = np.concatenate(
        [np.random.default_rng(0).uniform(-3, 3, 20_000), boxes.edges[:-1], boxes.last]
    )
    assert np.abs(Expression(text)(x) - boxes.on_grid(x)).max() <= error + 1e-14
    check_pairs(text, minimality)
    assert minimality.minimal == (minimality.at_least == boxes.boxes)
    assert minimality.minimal
    assert minimality.pieces_bound <= minimality.at_least


@pytest.mark.parametrize("text", SMOOTH)
def test_free_widths_take_no_more_boxes_than_equal_widths(text):
    equal = approximate_function(text, 3.0, tolerance=0.2).boxes

    assert boxes_of(text, tolerance=0.2)[0].boxes <= equal
    assert boxes_of(text, boxes=equal)[1] <= 0.2


@pytest.mark.parametrize("number", [1, 2, 7, 40])
@pytest.mark.parametrize("text", [*SMOOTH, *JUMPING])
def test_a_number_of_boxes_has_the_smallest_error(text, number):
    boxes, error, minimality = boxes_of(text, boxes=number)

    assert boxes.boxes <= number
    assert minimality.minimal
    if error > 0:
        check_pairs(text, minimality)
        assert minimality.at_least > number
        assert minimality.error < error <= minimality.error * (1 + 1e-9)


@pytest.mark.parametrize("text", ["x", "x**3", "exp(x)", "atan(x)", "sqrt(x+3)"])
@pytest.mark.parametrize("tolerance", [0.0123, 0.4567])
def test_a_monotone_function_takes_its_rise_divided_by_twice_the_error(text, tolerance):
    ends = exact(text, 3.0) - exact(text, -3.0)

    boxes, _, minimality = boxes_of(text, tolerance=tolerance)
    assert boxes.boxes == int((ends / (2 * arb(tolerance))).ceil().unique_fmpz())
    assert minimality.pieces_bound == minimality.at_least == boxes.boxes
    assert minimality.total_variation == pytest.approx(float(ends))


@pytest.mark.parametrize(
    ("text", "bound", "tolerance", "number", "below"),
    [("sin(3*x)", 3.0, 0.01, 554, 559), ("x", 1.0, 0.1, 10, 11), ("x**2", 1.0, 0.01, 99, 101)],
)
def test_boxes_that_reach_exactly_the_tolerance_may_exceed_it_by_rounding(
    text, bound, tolerance, number, below
):
    """The rises are exact multiples of twice the tolerance, up to the rounding of 0.01."""
    boxes, error, minimality = boxes_of(text, bound=bound, tolerance=tolerance)

    assert boxes.boxes == number == minimality.at_least
    assert minimality.minimal
    assert tolerance < error < tolerance * (1 + 1e-11)
    assert f"{below} boxes are below the tolerance" in minimality.explanation
    check_pairs(text, minimality)


def test_the_total_variation_is_no_bound_for_several_pieces():
    """Divided by 2ε, the variation of the sine is about 558.8, but 554 boxes are enough."""
    boxes, _, minimality = boxes_of("sin(3*x)", tolerance=0.01)

    assert minimality.total_variation / 0.02 == pytest.approx(558.8, abs=0.1)
    assert minimality.pieces_bound == boxes.boxes == 554


def test_equal_multiples_of_the_tolerance_are_found_if_their_boxes_are_exact():
    boxes, error, minimality = boxes_of("x", tolerance=0.5)

    assert boxes.edges.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert error == 0.5
    assert minimality.minimal


@pytest.mark.parametrize(
    ("text", "number"), [("floor(x)", 6), ("step(x)", 2), ("sign(x)", 3), ("7", 1)]
)
def test_a_function_of_steps_has_no_error(text, number):
    for boxes, error, minimality in (
        boxes_of(text, tolerance=1e-3),
        boxes_of(text, boxes=number),
        boxes_of(text, boxes=number + 5),
    ):
        assert (boxes.boxes, error, minimality.minimal) == (number, 0, True)


@settings(max_examples=15)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=6), st.integers(1, 4))
def test_steps_compared_with_all_ways_to_group_them(values, number):
    """The function has these values, one after the other. Each box covers some neighbours."""
    bound = len(values) / 2
    text = str(values[0])
    for k, rise in enumerate(np.diff(values).tolist(), start=1):
        text += f"+({rise})*step(x-({k - bound}))"

    def error_of(cuts):
        groups = [values[a:b] for a, b in itertools.pairwise([0, *cuts, len(values)])]
        return max((max(group) - min(group)) / 2 for group in groups)

    ways = [
        error_of(cuts)
        for count in range(min(number, len(values)))
        for cuts in itertools.combinations(range(1, len(values)), count)
    ]
    assert boxes_of(text, bound=bound, boxes=number)[1] == min(ways)


def test_pairs_of_many_boxes_are_left_out_unless_the_network_is_asked_for():
    options = {"tolerance": 0.002, "widths": "free"}
    short = approximate_function("sin(3*x)", 3.0, **options)
    full = approximate_function("sin(3*x)", 3.0, **options, include_network=True)

    assert short.boxes > 1000
    assert short.minimality.pairs is None
    assert len(full.minimality.pairs) == full.minimality.at_least - 1


def test_the_table_compares_three_ways_to_place_the_steps():
    answer = approximate_function("sin(3*x)", 3.0, boxes=10, widths="free")

    assert answer.max_error_proven
    assert answer.sampled_error <= answer.max_error == pytest.approx(answer.minimality.error)
    for row in answer.rate.table:
        assert row.free_error <= min(row.max_error, row.trained_error) * (1 + 1e-12)
        if row.boxes == answer.boxes:
            assert row.free_error == answer.max_error
    equal = approximate_function("sin(3*x)", 3.0, boxes=10)
    assert equal.minimality is None
    assert {(row.free_error, row.trained_error) for row in equal.rate.table} == {(None, None)}


@pytest.mark.parametrize(
    ("text", "pointer", "options"),
    [
        ("tan(x)", "/widths", {"boxes": 5}),
        ("sin(1e6*x)", "/widths", {"boxes": 5}),
        ("sin(x)", "/tolerance", {"tolerance": 1e-5}),
        ("sin(x)", "/boxes", {"boxes": 10_001}),
        ("sin(x)", "/widths", {"boxes": 5, "dimensions": 2}),
    ],
)
def test_what_takes_too_long_or_cannot_be_proven_is_rejected(text, pointer, options):
    with pytest.raises(InvalidInputError) as caught:
        approximate_function(text, 3.0, widths="free", **options)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
