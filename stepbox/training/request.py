"""What a client asks to be trained: a named recipe with changes, and what may go together."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from stepbox.errors import Fault
from stepbox.training.presets import DEFAULT_RECIPE, RECIPES
from stepbox.training.recipe import (
    ActivationField,
    AugmentationField,
    BatchSizeField,
    DatasetField,
    DropoutField,
    EngineField,
    EpochsField,
    GradientField,
    HiddenSizesField,
    InitializationField,
    LearningRateField,
    NormalizationField,
    OptimizerField,
    PixelScaleField,
    Recipe,
    RecipeName,
    ScheduleField,
    SeedField,
    ShuffleField,
    SinglePrecisionField,
    StandardizeField,
    WeightDecayField,
)

# What the NumPy engine does not do, and the value that it takes instead.
TORCH_ONLY = {"optimizer": "sgd", "dropout": 0, "normalization": "none", "standardize": False}


def conflicts(fields: Mapping[str, Any]) -> list[Fault]:
    """Name the fields whose values are each allowed but do not go together."""
    faults = []
    if fields["engine"] == "numpy":
        for name, plain in TORCH_ONLY.items():
            if fields[name] != plain:
                faults.append(
                    Fault(
                        f"/{name}",
                        f"{fields[name]!r} is known to the engine 'torch' only; use {plain!r}",
                    )
                )
    if fields["weight_decay"] and fields["optimizer"] != "adamw":
        faults.append(
            Fault("/weight_decay", "must be 0 where 'optimizer' is not 'adamw', which alone decays")
        )
    if fields["normalization"] == "batch" and fields["batch_size"] == 1:
        faults.append(Fault("/batch_size", "must be at least 2 where 'normalization' is 'batch'"))
    if fields["gradient"] == "published":
        if fields["engine"] != "numpy":
            faults.append(
                Fault("/gradient", "'published' is known to the engine 'numpy' only; use 'exact'")
            )
        if fields["batch_size"] != 1:
            faults.append(
                Fault(
                    "/batch_size",
                    "must be 1 where 'gradient' is 'published': it updates the "
                    "weights within the backward pass of one sample",
                )
            )
    return faults


def _unset() -> Any:
    """Stand for a field that a request leaves out, without showing as a default in its schema."""


class TrainRequest(BaseModel):
    """What to train: a named recipe, and the fields of it to change."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra={"example": {"recipe": "mnist-numpy", "epochs": 1}},
    )

    recipe: RecipeName = Field(
        DEFAULT_RECIPE, description="The named recipe to start from; other fields override its own."
    )
    engine: EngineField = Field(default_factory=_unset)
    dataset: DatasetField = Field(default_factory=_unset)
    hidden_sizes: HiddenSizesField = Field(default_factory=_unset)
    activation: ActivationField = Field(default_factory=_unset)
    epochs: EpochsField = Field(default_factory=_unset)
    learning_rate: LearningRateField = Field(default_factory=_unset)
    batch_size: BatchSizeField = Field(default_factory=_unset)
    seed: SeedField = Field(default_factory=_unset)
    shuffle: ShuffleField = Field(default_factory=_unset)
    pixel_scale: PixelScaleField = Field(default_factory=_unset)
    gradient: GradientField = Field(default_factory=_unset)
    initialization: InitializationField = Field(default_factory=_unset)
    optimizer: OptimizerField = Field(default_factory=_unset)
    weight_decay: WeightDecayField = Field(default_factory=_unset)
    schedule: ScheduleField = Field(default_factory=_unset)
    dropout: DropoutField = Field(default_factory=_unset)
    normalization: NormalizationField = Field(default_factory=_unset)
    standardize: StandardizeField = Field(default_factory=_unset)
    augmentation: AugmentationField = Field(default_factory=_unset)
    single_precision: SinglePrecisionField = Field(default_factory=_unset)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all_faults_at_once(cls, body: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """Look for conflicts between fields even where single fields are at fault."""
        details: list[Any] = []
        try:
            request = validate(body)
        except ValidationError as error:
            details = list(error.errors())
        if isinstance(body, Mapping):
            wrong = {detail["loc"][0] for detail in details if detail["loc"]}
            given = {name: value for name, value in body.items() if name not in wrong}
            base = RECIPES[given.get("recipe", DEFAULT_RECIPE)].model_dump()
            details += [_detail(fault) for fault in conflicts({**base, **given})]
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return request

    def resolve(self) -> Recipe:
        """Give the whole recipe: the named one's fields, overridden by those of the request."""
        overrides = self.model_dump(exclude_unset=True, exclude={"recipe"})
        return RECIPES[self.recipe].model_copy(update=overrides)


def _detail(fault: Fault) -> InitErrorDetails:
    return {
        "type": PydanticCustomError("conflict", "{detail}", {"detail": fault.detail}),
        "loc": (fault.pointer.removeprefix("/"),),
        "input": None,
    }
