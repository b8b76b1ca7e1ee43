"""Compile the loops of the NumPy engine and of augmentation before the first training.

python -m stepbox.training.compile_ahead
"""

import numpy as np

from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset
from stepbox.training.augmentation import MOTIONS, Distortions, Moves
from stepbox.training.augmentation_loops import move, resample
from stepbox.training.numpy_trainer import NumpyTrainer
from stepbox.training.presets import RECIPES

if __name__ == "__main__":
    print("Compiling the training loops (up to a minute, unless already compiled)", flush=True)
    one = Dataset(MNIST, np.zeros((1, *MNIST.shape), np.uint8), np.zeros(1, np.uint8))
    for standardize in (False, True):  # vectors are always standardized
        for single_precision in (False, True):
            recipe = RECIPES["mnist-numpy"].changed(
                single_precision=single_precision, standardize=standardize
            )
            NumpyTrainer(recipe, one).train_samples(np.arange(1))
    rng = np.random.default_rng(0)
    fields = np.zeros((1, 2, *MNIST.shape), np.float32)
    resample(one.samples, fields, *Distortions.draw(1, MOTIONS["affine"], 1, rng))
    move(one.samples, *Moves.draw(1, rng))
