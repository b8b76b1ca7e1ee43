"""Frames of a training in the plane: all parameters and the figures of the network at one step.

From a frame, a page draws what each neuron answers at every point of the plane. There are few
frames, and at most 11 kB in each, so that the events of a job can carry them.
"""

import base64

import numpy as np

from stepbox.data.dataset import Dataset
from stepbox.nn.network import Network
from stepbox.training.course import Course
from stepbox.training.evaluation import loss_and_accuracy
from stepbox.training.report import Frame

MOST_FRAMES = 50
FIRST_STEPS = range(6)  # each has a frame; those after it are evenly spaced in the logarithm
FEATURES = 2
MOST_PARAMETERS = 2000
MOST_SAMPLES = 10_000  # of both splits together: all of them are evaluated for each frame


def frame_steps(course: Course) -> tuple[int, ...]:
    """Return the steps after which a training has a frame, in order; 0 is before the first.

    A training has frames if its engine is ``numpy``, its samples are points of the plane, and its
    network and its data set are small.
    """
    recipe, spec = course.recipe, course.train_set.spec
    network_size = sum(layer.parameters for layer in recipe.layer_specs(spec))
    if (
        recipe.engine != "numpy"
        or spec.shape != (FEATURES,)
        or network_size > MOST_PARAMETERS
        or spec.train.samples + spec.test.samples > MOST_SAMPLES
    ):
        return ()
    steps = {step for step in FIRST_STEPS if step <= course.steps}
    if course.steps >= len(FIRST_STEPS):
        spaced = np.geomspace(len(FIRST_STEPS), course.steps, MOST_FRAMES - len(FIRST_STEPS))
        steps.update(spaced.round().astype(int).tolist())
    return tuple(sorted(steps))


def make_frame(course: Course, network: Network, test_set: Dataset, step: int) -> Frame | None:
    """Make the frame of a network; return None if a figure or a parameter is not finite.

    Parameters
    ----------
    course
        The training.
    network
        The network after a step.
    test_set
        The samples to test on.
    step
        Number of this step.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # returning None reports it
        figures = [
            loss_and_accuracy(network, data, course.recipe.pixel_scale, chosen)
            for data, chosen in ((course.train_set, course.trained), (test_set, None))
        ]
        arrays = network.named_arrays().values()
        parameters = np.concatenate([array.ravel() for array in arrays]).astype("<f4")
    if not (np.isfinite(parameters).all() and np.isfinite(figures).all()):
        return None
    (train_loss, train_accuracy), (test_loss, test_accuracy) = figures
    return Frame(
        step=step,
        parameters=base64.b64encode(parameters.tobytes()).decode(),
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
    )
