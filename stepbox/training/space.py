"""Search spaces: which fields of a recipe a sweep varies, and within which bounds.

A *parameter* is one number or one choice of a trial. Most fields are one parameter of the same
name. The hidden layers may be several: `hidden_sizes.count` is their number, and `hidden_sizes.0`
the size of the first. A layer that a trial does not have is no parameter of it.
"""

import json
from collections.abc import Callable, Mapping
from itertools import combinations, product
from math import prod
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from stepbox.allowed import model_fault_words, number_text
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import INVALID_FIELD, Fault, InvalidInputError, invalid_field
from stepbox.training.checks import DOMAIN_TAGS
from stepbox.training.domains import (
    MOST_CHOICES,
    Choices,
    Domain,
    DomainModel,
    IntegerRange,
    LayerSizes,
    Range,
)
from stepbox.training.recipe import Recipe

MOST_CORNERS = 64  # ends of ranges and choices: all pairs of them are tried, in 0.2 s
# Fields that a trial may vary. The others say what is trained on which samples, so that all trials
# can be compared.
VARIED = (
    *("learning_rate", "batch_size", "epochs", "hidden_sizes", "layers", "activation"),
    *("optimizer", "weight_decay", "schedule", "dropout", "normalization", "initialization"),
    *("augmentation", "standardize", "class_weights", "gradient", "shuffle", "single_precision"),
)
RANGE, LIST, LAYERS = DOMAIN_TAGS
FIXED_BY_MODEL = ("hidden_sizes", "layers", "activation")  # if a trial continues a model

Params = Mapping[str, Any]  # parameter → its value in a trial


def _named(fault: Mapping[str, Any]) -> PydanticCustomError:
    """Make a fault of a space again; that of an unknown field says which fields can vary."""
    kind, text = fault["type"], fault["msg"]
    if kind == "extra_forbidden" and len(fault["loc"]) == 1:
        why = "cannot vary" if fault["loc"][0] in Recipe.model_fields else "is no field of a recipe"
        kind, text = INVALID_FIELD, f"{why}: the fields that can vary are {', '.join(VARIED)}"
    return PydanticCustomError(kind, "{text}", {"text": text})


def _kind(value: Any) -> str:
    """Tell by their fields which kind of domain is meant."""
    if isinstance(value, Choices) or (isinstance(value, Mapping) and "choices" in value):
        return LIST
    if isinstance(value, LayerSizes) or (isinstance(value, Mapping) and "count" in value):
        return LAYERS
    return RANGE


def _unset() -> Any:
    """Return None for an omitted field. The JSON schema shows no default from a factory."""


def _domain_of(name: str) -> Any:
    """Return the type of a field of a space, with its description."""
    first: dict[Any, Any] = {
        "hidden_sizes": (Annotated[LayerSizes, Tag(LAYERS)], "count and size"),
        float: (Annotated[Range, Tag(RANGE)], "low and high"),
        int: (Annotated[IntegerRange, Tag(RANGE)], "low and high"),
    }
    kind: Any = Choices
    words = "choices"
    if found := first.get(name) or first.get(Recipe.model_fields[name].annotation):
        domain, ends = found
        words = f"{ends}, or with choices"
        discriminator = Discriminator(
            _kind,
            custom_error_type=INVALID_FIELD,
            custom_error_message=f"must be an object with {words}",
        )
        kind = Annotated[domain | Annotated[Choices, Tag(LIST)], discriminator]

    def check(value: Any) -> Any:
        if isinstance(value, Mapping | DomainModel):
            return value
        detail = f"must be an object with {words}"
        if isinstance(value, list):
            detail += f", such as {json.dumps({'choices': value[:MOST_CHOICES]})}"
        raise invalid_field(detail)

    text = f"Values of the recipe's `{name}`."
    return Annotated[
        kind,
        BeforeValidator(check),
        Field(default_factory=_unset, exclude_if=lambda value: value is None, description=text),
    ]


_Domains: Any = create_model(
    "_Domains", __base__=DomainModel, **{name: _domain_of(name) for name in VARIED}
)


class Space(_Domains):
    """The fields of the recipe that the trials vary, each with its values."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"learning_rate": {"low": 0.001, "high": 0.3, "log": True}},
        }
    )

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_can_vary(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(value)
        except ValidationError as error:
            faults = [
                InitErrorDetails(type=_named(fault), loc=fault["loc"], input=fault["input"])
                for fault in error.errors(include_url=False)
            ]
            raise ValidationError.from_exception_data(cls.__name__, faults) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.domains:
            raise invalid_field(f"names no field to vary: at least one of {', '.join(VARIED)}")
        if {"hidden_sizes", "layers"} <= self.domains.keys():
            raise invalid_field("can vary only one of hidden_sizes and layers")
        return self

    @property
    def domains(self) -> dict[str, Domain]:
        """The domain of each field that varies, in a fixed order."""
        found = {name: getattr(self, name) for name in VARIED}
        return {name: domain for name, domain in found.items() if domain is not None}

    def sample(self, ask: Callable[[str, Range | Choices], Any]) -> dict[str, Any]:
        """Return the parameters of a trial.

        Parameters
        ----------
        ask
            Returns the value of a parameter with this name and domain.
        """
        params: dict[str, Any] = {}
        for name, domain in self.domains.items():
            if isinstance(domain, LayerSizes):
                count = params[f"{name}.count"] = ask(f"{name}.count", domain.count)
                for layer in range(count):
                    params[f"{name}.{layer}"] = ask(f"{name}.{layer}", domain.size)
            else:
                params[name] = ask(name, domain)
        return params

    def domain(self, parameter: str) -> Range | Choices:
        """Return the domain of a parameter."""
        name, _, part = parameter.partition(".")
        domain = self.domains[name]
        if isinstance(domain, LayerSizes):
            return domain.count if part == "count" else domain.size
        return domain

    def changes(self, params: Params) -> dict[str, Any]:
        """Return the fields of the recipe that these parameters give."""
        fields: dict[str, Any] = {}
        for name, domain in self.domains.items():
            if isinstance(domain, LayerSizes):
                count = params[f"{name}.count"]
                fields[name] = [params[f"{name}.{layer}"] for layer in range(count)]
            else:
                fields[name] = params[name]
        return fields

    @property
    def grid_size(self) -> int:
        """Number of points of the grid; see `check_grid`."""
        return prod(domain.number for domain in self.domains.values())

    def grid_point(self, number: int) -> dict[str, Any]:
        """Return the parameters of one point of the grid. The last field changes the fastest."""
        fields: dict[str, Any] = {}
        for name, domain in reversed(self.domains.items()):
            number, place = divmod(number, domain.number)
            fields[name] = domain.point(place)

        def ask(parameter: str, _: Range | Choices) -> Any:
            name, _dot, part = parameter.partition(".")
            if not part:
                return fields[name]
            return len(fields[name]) if part == "count" else fields[name][int(part)]

        return self.sample(ask)

    def check_grid(self) -> None:
        """Raise InvalidInputError if a field has no step, so that there is no grid."""
        faults = [
            Fault(f"/space/{name}/step", "is needed for a grid")
            for name, domain in self.domains.items()
            if isinstance(domain, Range) and domain.step is None
        ]
        if faults:
            raise InvalidInputError(faults)

    def check(self, recipe: Recipe, spec: DatasetSpec) -> None:
        """Check that the trials have valid recipes, at the ends of all ranges and for all choices.

        What conflicts in a recipe are the values of at most two fields. So all pairs are tried.

        Parameters
        ----------
        recipe
            The recipe whose fields vary.
        spec
            The data set.

        Raises
        ------
        InvalidInputError
            A value is not allowed, or conflicts with another.
        """
        domains = self.domains
        fixed = FIXED_BY_MODEL if recipe.from_model is not None else ()
        faults = [
            Fault(f"/space/{name}", "must stay as it is in the model that from_model names")
            for name in domains
            if name in fixed
        ]
        if sum(len(domain.corners) for domain in domains.values()) > MOST_CORNERS:
            detail = f"may have at most {MOST_CORNERS} choices, with two for each range"
            faults.append(Fault("/space", detail))
        if faults:
            raise InvalidInputError(faults)
        for name, domain in domains.items():
            for place, value in domain.corners.items():
                if why := _why_not(recipe, spec, {name: value}, alone=True):
                    faults.append(Fault(f"/space/{name}/{place}", f"{_text(value)}: {why}"))
        if faults:
            raise InvalidInputError(faults)
        first = {name: next(iter(domain.corners.values())) for name, domain in domains.items()}
        for names in combinations(domains, min(2, len(domains))):
            for values in product(*(domains[name].corners.values() for name in names)):
                fields = dict(zip(names, values, strict=True))
                if why := _why_not(recipe, spec, first | fields):
                    detail = f"with {_in_words(fields)}: {why}"
                    raise InvalidInputError.at(f"/space/{names[-1]}", detail)


def _in_words(fields: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {_text(value)}" for name, value in fields.items())


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else json.dumps(value)


def _why_not(
    recipe: Recipe, spec: DatasetSpec, changes: dict[str, Any], *, alone: bool = False
) -> str | None:
    """Say why these changes make no valid recipe; None if they do.

    With ``alone``, only the values themselves count, not their conflicts with other fields.
    """
    try:
        changed = recipe.changed(**changes)
    except ValidationError as error:
        faults = [
            fault
            for fault in error.errors(include_url=False)
            if not alone or fault["type"] != INVALID_FIELD
        ]
        return "; ".join(model_fault_words(Recipe, fault) for fault in faults) or None
    try:
        changed.fitted(spec, changes)
    except InvalidInputError as error:
        return "; ".join(
            detail if place.split("/")[1] in changes else f"{place[1:]} {detail}"
            for place, detail in error.faults
        )
    return None
