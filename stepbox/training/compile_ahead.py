"""Compile the loops of the NumPy engine and of augmentation before the first training.

python -m stepbox.training.compile_ahead
"""

from stepbox.nn.kernels import dense
from stepbox.training import augmentation

if __name__ == "__main__":
    print("Compiling the training loops (up to a minute, unless already compiled)", flush=True)
    dense.compile_ahead()
    augmentation.compile_ahead()
