"""Train a recipe in this process, and save, load and use the model.

A job of a worker does the same work: it trains with `stepbox.training.loop.train` and describes the
result with `stepbox.store.draft.describe`.
"""

import errno
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stepbox.data.builtin import load_dataset
from stepbox.errors import NotFoundError
from stepbox.exporting.formats import export
from stepbox.exporting.names import Format, format_of
from stepbox.images.field import Invert
from stepbox.images.prepare import Fit
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network
from stepbox.samples import Sample, prepare_sample
from stepbox.store.card import CardDraft
from stepbox.store.draft import describe
from stepbox.store.folder import FolderStore
from stepbox.store.model import encode_model, read_card, read_network, read_steps
from stepbox.store.models import new_model_id
from stepbox.training.evaluation import predict_logits
from stepbox.training.loop import make_trainer
from stepbox.training.loop import train as train_epochs
from stepbox.training.presets import DEFAULT_RECIPE, RECIPES
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, LossEntry, Progress
from stepbox.training.step_record import StepRecord


class Prediction(NamedTuple):
    """A network's answer for one sample.

    Attributes
    ----------
    label, probability
        Name of the most probable class, and its probability, 0..1.
    probabilities
        Shape (classes,), 0..1, sum 1.
    """

    label: str
    probability: float
    probabilities: Array


class Model:
    """A trained network with the card that describes it.

    Attributes
    ----------
    card
        The recipe, the history, the evaluation, and the cost of the training.
    network
        The trained network.
    initial
        The same network before its training; None for a model that was loaded.
    """

    def __init__(
        self,
        card: CardDraft,
        network: Network,
        initial: Network | None = None,
        steps: Callable[[], StepRecord | None] = lambda: None,
    ) -> None:
        self.card = card
        self.network = network
        self.initial = initial
        self._steps = steps

    def __repr__(self) -> str:
        evaluation = self.card.evaluation
        remark = ", no better than guessing" if evaluation.better_than_guessing is False else ""
        return (
            f"<Model {self.card.id}: {self.recipe.name}, "
            f"test accuracy {evaluation.accuracy:.2%}{remark}>"
        )

    @property
    def recipe(self) -> Recipe:
        """The recipe that was trained."""
        return self.card.recipe

    @cached_property
    def steps(self) -> StepRecord | None:
        """The record of the training's steps, which `stepbox.trace` opens; None if there is none.

        Of a loaded model, it is read when it is first used; raises as `load` does.
        """
        return self._steps()

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """The figures of each epoch; epoch 0 is the untrained network."""
        return self.card.history

    def predict(
        self,
        sample: Sample,
        *,
        invert: Invert = "auto",
        fit: Fit = "auto",
    ) -> Prediction:
        """Classify one sample.

        Parameters
        ----------
        sample
            Image: the name of a file, its bytes, or integers 0..255 of shape (height, width) or
            (height, width, 3), of any size. Vector: one number for each column, in their order, or
            a mapping column → number.
        invert, fit
            How an image is prepared; see `stepbox.images.prepare.prepare`.

        Raises
        ------
        InvalidInputError
            The file cannot be decoded, or the numbers are not what the model takes.
        OSError
            The image file cannot be read.

        Examples
        --------
        >>> run = train("mnist-numpy", epochs=1, hidden_sizes=[], progress=False)
        >>> from stepbox import load_dataset
        >>> run.predict(load_dataset("mnist", "test").samples[0]).label
        '7'
        """
        spec = self.card.dataset
        inputs = prepare_sample(spec, sample, invert, fit)
        logits = predict_logits(self.network, inputs[None], self.recipe.pixel_scale)
        probabilities = softmax(logits.astype(np.float64))[0]
        best = int(probabilities.argmax())
        return Prediction(spec.classes[best], float(probabilities[best]), probabilities)

    def save(self, folder: str | Path) -> Path:
        """Write the model to a new folder, in the format of the service's models.

        Raises
        ------
        FileExistsError
            The folder exists.
        ValueError
            The model was loaded, so its files already exist.
        """
        if self.initial is None:
            raise ValueError("a loaded model is already saved: copy its folder")
        _, files = encode_model(self.card, self.network, self.initial, self.steps)
        folder = Path(folder)
        folder.mkdir(parents=True)
        objects = FolderStore(folder)
        for name, content in files.items():
            objects.put(name, content)
        return folder

    def export(self, path: str | Path, format: Format | None = None) -> Path:
        """Write the model to a file that other programs read; see `stepbox.export`.

        The format follows from the path (``.onnx``, ``.npz``, or ``.zip`` for torch), unless it is
        given. Raises as `stepbox.export` does.
        """
        path = Path(path)
        path.write_bytes(export(self, format or format_of(path)))
        return path


def train(
    recipe: str | Recipe = DEFAULT_RECIPE,
    *,
    data: str | Path | None = None,
    from_model: Model | str | Path | None = None,
    compiled: bool = True,
    progress: bool = True,
    **changes: Any,
) -> Model:
    """Train a recipe in this process; no server and no Redis are needed.

    Parameters
    ----------
    recipe
        A recipe, or the name of one in `RECIPES`.
    data
        The data folder; by default ``$STEPBOX_DATA_DIR``, else ``data``.
    from_model
        A model to continue, or its folder; see the recipe's field of this name.
    compiled
        False runs the definition in `stepbox.nn.backprop` itself instead of its compiled form
        (engine ``numpy``). It gives the same weights up to rounding, and is 20 to 100 times
        slower.
    progress
        Show a progress bar in a terminal or a notebook.
    **changes
        Fields of the recipe to change.

    Raises
    ------
    NotFoundError
        There is no recipe of this name.
    TypeError
        A keyword is not a field of a recipe.
    pydantic.ValidationError
        A field is out of its range, or fields conflict.
    InvalidInputError
        A field does not fit the data set, or the model to continue does not fit the recipe.
    ValueError
        The recipe continues a model that is not given.
    DatasetError
        The data set is not in the data folder.
    DivergedError
        The loss is no longer finite.
    OutOfDeviceMemoryError
        The GPU or the host has too little memory.
    StepboxError
        The engine is ``torch``, and PyTorch is not installed.

    Examples
    --------
    >>> run = train("mnist-numpy", epochs=1, hidden_sizes=[8], progress=False)
    >>> run.history[-1].test_accuracy > 0.8
    True
    """
    from tqdm.asyncio import tqdm as terminal_bar  # imported here: container images have no tqdm
    from tqdm.auto import tqdm

    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise NotFoundError(f"no recipe is called {recipe!r}; there are {', '.join(RECIPES)}")
        recipe = RECIPES[recipe]
    if unknown := changes.keys() - Recipe.model_fields.keys():
        raise TypeError(
            f"a recipe has no {', '.join(sorted(unknown))}; it has {', '.join(Recipe.model_fields)}"
        )
    full = recipe.changed(**changes)
    train_set = load_dataset(full.dataset, "train", data)
    test_set = load_dataset(full.dataset, "test", data)
    # The name is kept, by which the same data set can be loaded again.
    full = full.fitted(train_set.spec, changes).changed(dataset=full.dataset)
    start = None
    if from_model is not None:
        model = from_model if isinstance(from_model, Model) else load(from_model)
        full = full.changed(from_model=model.card.id)
        full.check_start(train_set.spec, model.recipe, model.card.dataset)
        start = model.network
    elif full.from_model is not None:
        raise ValueError("the recipe continues a model: pass this model as from_model")
    trainer = make_trainer(full, train_set, start, compiled=compiled)
    initial = trainer.network()
    history, losses = [], []
    hidden = None if tqdm is terminal_bar else False  # None: tqdm shows it only in a terminal
    with tqdm(
        total=full.epochs * len(trainer.trained),
        desc=full.name,
        unit=" samples",
        disable=hidden if progress else True,
    ) as bar:
        for event in train_epochs(trainer, test_set):
            match event:
                case Progress():
                    bar.update(event.samples - bar.n)
                case LossEntry():
                    losses.append(event)
                case HistoryEntry():
                    history.append(event)
                    assert event.test_accuracy is not None  # there is a test set
                    bar.set_postfix(test_accuracy=f"{event.test_accuracy:.2%}")
    draft = describe(trainer, test_set, history, losses, id=new_model_id(), job="local")
    steps = None if trainer.recorder is None else trainer.recorder.record()
    return Model(draft, trainer.network(), initial, lambda: steps)


def load(folder: str | Path) -> Model:
    """Load a model from a folder that `Model.save` or the service wrote.

    Raises
    ------
    DamagedModelError
        A file is damaged or does not match the card.
    FileNotFoundError
        This is no folder of a model, or a file in it is missing.
    """
    folder = Path(folder).resolve()
    objects = FolderStore(folder.parent)
    try:
        card = read_card(objects, folder.name)
    except FileNotFoundError as error:
        why = "not a folder that Model.save or the server wrote: it has no card.json"
        raise FileNotFoundError(errno.ENOENT, why, str(folder)) from error
    network = read_network(objects, folder.name, card)
    if card.steps is None:
        return Model(card, network)
    return Model(card, network, steps=lambda: read_steps(objects, folder.name, card))
