import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stepbox.data.builtin import MNIST
from stepbox.training.labels import LabelChanges, Labels
from stepbox.training.request import TrainRequest

ALLOWED = {
    "title": ["a", "é" * 80, "  two words ", "\U0001f600" * 80, None],
    "notes": ["", "first\nsecond\tthird\r\n", "x" * 2000],
    "tags": [[], ["a"], ["x" * 40], ["two words", "Two words"], [str(i) for i in range(10)]],
}
FORBIDDEN = {
    "title": ["", "x" * 81, " ", "\u2003", "a\nb", "a\n", "\0", "\x7f", "\x85", "\ud800", 1, ["a"]],
    "notes": ["x" * 2001, "\0", "a\x0bb", "\x1b[0m", "\udfff", None, 1],
    "tags": [[""], ["x" * 41], [" "], ["a,b"], ["a\n"], ["a", "a"], list("abcdefghijk"), "a", [1]],
}
LIMITS = {"title": "1 to 80", "notes": "up to 2,000", "tags": ""}


def cases(values):
    return [(name, value) for name, listed in values.items() for value in listed]


@pytest.mark.parametrize(("name", "value"), cases(ALLOWED))
def test_allowed_labels_are_kept_as_they_are(name, value):
    kept = tuple(value) if name == "tags" else value
    assert getattr(TrainRequest(**{name: value}).labels, name) == kept
    assert LabelChanges(**{name: value}).given() == {name: kept}


@pytest.mark.parametrize(("name", "value"), cases(FORBIDDEN))
def test_an_error_names_the_field_and_what_is_allowed(name, value):
    for model in (TrainRequest, LabelChanges, Labels):
        with pytest.raises(ValidationError) as caught:
            model(**{name: value})
        (fault,) = caught.value.errors()
        assert fault["loc"][0] == name
        assert LIMITS[name] in fault["msg"]


@given(st.text())
def test_any_text_is_a_title_or_is_rejected(text):
    visible = bool(text.strip()) and all(
        ord(one) > 31 and not 127 <= ord(one) <= 159 for one in text
    )
    try:
        assert Labels(title=text).title == text
        assert visible
        assert len(text) <= 80
    except ValidationError:
        assert not visible or len(text) > 80


def test_labels_are_no_part_of_the_recipe():
    request = TrainRequest(epochs=2, title="Two epochs", notes="why", tags=["a"])
    assert request.resolve(MNIST) == TrainRequest(epochs=2).resolve(MNIST)


def test_a_change_changes_something():
    with pytest.raises(ValidationError, match="must have 'title', 'notes' or 'tags'"):
        LabelChanges()
    with pytest.raises(ValidationError, match="Extra inputs"):
        LabelChanges(name="a")
