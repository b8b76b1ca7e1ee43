"""The worker: a Celery application that runs training jobs."""

import os

# NumPy reads this when it loads. After each epoch, it evaluates the network in small blocks, for
# which a second thread gains little, but makes convolutions 20 times slower on busy cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
