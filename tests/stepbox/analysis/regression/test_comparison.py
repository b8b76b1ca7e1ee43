import numpy as np

from stepbox.analysis.regression.comparison import compare as compare_fits
from stepbox.analysis.regression.solutions import regression_of

X_LINE = np.column_stack([np.ones(10), np.arange(10.0)])
RNG = np.random.default_rng(4)


def compare(X, y):
    return compare_fits(X, y, regression_of(X, y))


def test_an_outlier_and_its_effect_are_reported():
    y = X_LINE @ [1, 2] + RNG.uniform(-0.1, 0.1, 10)
    y[7] = 40
    comparison = compare(X_LINE, y)

    assert comparison.outliers == [7]
    assert "Point 7" in comparison.remark
    np.testing.assert_allclose(comparison.l1.w, [1, 2], atol=0.2)
    assert np.abs(comparison.l2.w - [1, 2]).max() > 0.5
    np.testing.assert_allclose(comparison.l2_without.w, [1, 2], atol=0.2)
    np.testing.assert_allclose(comparison.l1_without.w, comparison.l1.w, atol=0.2)


def test_each_fit_has_the_smallest_loss_of_its_own_kind():
    y = RNG.normal(size=10)
    comparison = compare(X_LINE, y)

    assert comparison.l1.l1 <= comparison.l2.l1
    assert comparison.l2.l2 <= comparison.l1.l2


def test_two_points_off_a_line_are_outliers():
    y = X_LINE @ [1.0, 2]
    y[[2, 5]] = [-7, 90]
    comparison = compare(X_LINE, y)

    assert comparison.outliers == [2, 5]
    np.testing.assert_allclose(comparison.l1.w, [1, 2])
    assert comparison.l2_without.l2 < 1e-20


def test_without_outliers_there_is_no_second_fit():
    comparison = compare(X_LINE, X_LINE @ [1.0, 2] + np.tile([0.5, -0.5], 5))

    assert comparison.outliers == []
    assert comparison.l1_without is None
    assert comparison.l2_without is None
    assert "No point" in comparison.remark


def test_outliers_are_not_searched_among_few_points():
    comparison = compare(X_LINE[:5], np.array([0, 1, 2, 3, 100.0]))

    assert comparison.outliers == []
    assert "too few" in comparison.remark
