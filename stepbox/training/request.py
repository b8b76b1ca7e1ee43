"""The body of a request to train: a named recipe, the fields of it to change, and labels."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from stepbox.data.dataset import DatasetSpec
from stepbox.data.plane import DatasetChoice, GeneratedData, PlaneData
from stepbox.training.checks import Checked
from stepbox.training.labels import Labels, Notes, Tags, Title
from stepbox.training.layer_options import replaced
from stepbox.training.presets import DEFAULT_RECIPE, RECIPES
from stepbox.training.recipe import Recipe, RecipeName
from stepbox.training.requirements import NO_REQUIREMENTS, Priority, Requirements
from stepbox.training.webhook import Webhook


def _unset() -> Any:
    """Return None for an omitted field. The JSON schema shows no default from a factory."""


def _optional(field: FieldInfo) -> Any:
    """Annotate a field of the recipe as one that a request may omit."""
    copy = field.asdict()
    kind, attributes = copy["annotation"], {**copy["attributes"], "default_factory": _unset}
    attributes.pop("default", None)
    return Annotated[(kind, *copy["metadata"], Field(**attributes))]


_Changes: Any = create_model(
    "_Changes",
    __base__=Checked,
    **{name: _optional(field) for name, field in Recipe.model_fields.items() if name != "name"},
)


class TrainRequest(_Changes):
    """What to train: a named recipe, the fields of it to change, and labels for people."""

    recipe: RecipeName = Field(
        DEFAULT_RECIPE,
        description="The named recipe to start from; the fields of it that the body names override "
        "its own.",
    )
    dataset: DatasetChoice = Field(
        default_factory=_unset,
        description="The data set to train and test on: the name of a built-in one, or the id or "
        "the name of an uploaded one. A name means the newest of this name. Or an object that "
        "describes points of the plane, of which a data set is made: `generate` names a shape, "
        "and `points` lists points.",
    )
    priority: Priority = 0
    requires: Requirements = Field(
        NO_REQUIREMENTS, description="What the job requires of the worker that runs it."
    )
    webhook: Webhook = None
    title: Title = None
    notes: Notes = ""
    tags: Tags = ()

    model_config = ConfigDict(json_schema_extra={"example": {"recipe": "mnist-numpy", "epochs": 1}})

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Add the values of the named recipe."""
        return replaced(RECIPES[given.get("recipe", DEFAULT_RECIPE)].model_dump(), given)

    @property
    def wanted_dataset(self) -> str | PlaneData:
        """The data set that the request names or describes, or else the recipe."""
        named = "dataset" in self.model_fields_set
        wanted = self.dataset if named else RECIPES[self.recipe].dataset
        return (GeneratedData.of_name(wanted) or wanted) if isinstance(wanted, str) else wanted

    def resolve(self, spec: DatasetSpec) -> Recipe:
        """Return the whole recipe: the named one, with the fields that the request changes.

        Parameters
        ----------
        spec
            The data set, see `wanted_dataset`.

        Raises
        ------
        InvalidInputError
            A field does not fit the data set.
        """
        changes = self.changes | {"dataset": spec.key}
        return RECIPES[self.recipe].changed(**changes).fitted(spec, changes)

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the recipe that the request names, without the data set."""
        fields = set(Recipe.model_fields) - {"dataset"}
        return self.model_dump(exclude_unset=True, include=fields)

    @property
    def labels(self) -> Labels:
        """The labels of the run."""
        return Labels(title=self.title, notes=self.notes, tags=self.tags)
