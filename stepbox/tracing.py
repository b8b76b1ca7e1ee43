"""Open single steps of the training of a model."""

from pathlib import Path
from weakref import WeakKeyDictionary

from stepbox.analysis.step_trace import Kind
from stepbox.data.builtin import load_dataset
from stepbox.data.plane import GeneratedData
from stepbox.errors import ConflictError, StepsNotKeptError
from stepbox.images.field import Invert
from stepbox.images.prepare import Fit
from stepbox.run import Model, load
from stepbox.samples import Sample, prepare_sample
from stepbox.training.effects import Effects, step_effects
from stepbox.training.evaluation import predict_logits
from stepbox.training.replay import Replay
from stepbox.training.trace import Trace, trace_step

# The replay of each model, and the data folder that it was opened with.
_replays: WeakKeyDictionary[Model, tuple[str | Path | None, Replay]] = WeakKeyDictionary()


def trace(
    model: Model | str | Path,
    step: int,
    *,
    sample: int = 0,
    gradient: Kind = "exact",
    data: str | Path | None = None,
) -> Trace:
    """Compute every number of one step of a model's training.

    The state before the step is computed again from the nearest snapshot. This takes up to a second
    for ``mnist-numpy``, and milliseconds for the steps around it.

    Parameters
    ----------
    model
        A model, or its folder. Pass the same `Model` again to open more of its steps quickly.
    step
        Number of the step, from 1.
    sample
        Index of the sample in the step's batch.
    gradient
        Which gradient of the parameters to return: ``exact``, ``published``, or one with only the
        first (``slope``) or second (``order``) deviation of the published one. δ is returned for
        all of them.
    data
        The data folder; by default ``$STEPBOX_DATA_DIR``, else ``data``.

    Raises
    ------
    StepsNotKeptError
        The model has no record of its steps.
    TooFarError
        The step is too far from the snapshot before it.
    InvalidInputError
        There is no such step or sample, or the gradient makes no sense for this training.
    NotFoundError
        The data set is neither built in nor generated.
    ConflictError
        The data set of that name is not the one that the model was trained on.
    DatasetError
        It is not in the data folder.

    Examples
    --------
    >>> from stepbox import train
    >>> run = train("mnist-numpy", epochs=1, hidden_sizes=[8], progress=False)
    >>> first = trace(run, 1)
    >>> first.label, first.layers[0].delta["exact"].shape
    (5, (8,))
    >>> first.after["exact"].loss < first.loss
    True
    """
    if not isinstance(model, Model):
        model = load(model)
    return trace_step(_replay(model, data), step, sample, gradient)


def taught(
    model: Model | str | Path,
    sample: Sample,
    label: int | None = None,
    *,
    invert: Invert = "auto",
    fit: Fit = "auto",
    data: str | Path | None = None,
) -> Effects:
    """Find the steps of a model's training that changed the loss of a sample most.

    Only the steps next to the snapshots are looked at: for ``mnist-numpy``, 960 of 180,000. So the
    result is a sample of the training, and others of its steps may have changed the loss more.

    Parameters
    ----------
    model
        A model, or its folder.
    sample, invert, fit
        As for `Model.predict`.
    label
        Index of the class whose loss is meant; by default, that of the predicted class.
    data
        The data folder; by default ``$STEPBOX_DATA_DIR``, else ``data``.

    Raises
    ------
    StepsNotKeptError
        The model has no record of its steps.
    ConflictError
        Its steps are not plain gradient descent, the network is too large, or the data set of that
        name is not the one that the model was trained on.
    InvalidInputError
        There is no such class, or the sample is not what the model takes.
    NotFoundError
        The data set is neither built in nor generated.
    DatasetError
        It is not in the data folder.

    Examples
    --------
    >>> from stepbox import load_dataset, train
    >>> run = train("mnist-numpy", epochs=1, hidden_sizes=[8], progress=False)
    >>> found = taught(run, load_dataset("mnist", "test").samples[0])
    >>> found.label, len(found.effects), found.steps
    (7, 960, 60000)
    >>> [strongest] = found.lowered(1)
    >>> strongest.after < strongest.before
    True
    """
    if not isinstance(model, Model):
        model = load(model)
    replay = _replay(model, data)
    prepared = prepare_sample(model.card.dataset, sample, invert, fit)
    if label is None:
        scale = model.recipe.pixel_scale
        label = int(predict_logits(model.network, prepared[None], scale).argmax())
    return step_effects(replay, prepared, label)


def _replay(model: Model, data: str | Path | None) -> Replay:
    """Return what opens the steps of a model; the same one again for the same data folder."""
    if model.steps is None:
        raise StepsNotKeptError(f"the steps of {model.card.id} were not kept")
    folder, replay = _replays.get(model, (None, None))
    if replay is None or folder != data:
        dataset = model.card.dataset  # of generated points, the name can be read, but not the id
        name = dataset.name if GeneratedData.of_name(dataset.name) else dataset.key
        train_set = load_dataset(name, "train", data)
        if train_set.spec.id != dataset.id:
            raise ConflictError(f"the data set of {model.card.id} is not {name!r}")
        replay = Replay(model.recipe, train_set, model.steps, model.network)
        _replays[model] = data, replay
    return replay
