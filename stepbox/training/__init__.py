"""Trainings: recipes, both engines, the loop over the epochs, and the evaluation.

Code here trains and reports; it stores no models and knows no jobs. `loop.make_trainer` imports an
engine, `numpy_trainer` or `torch_trainer`, when a recipe needs it.

Public names: `Recipe` (recipe), `RECIPES` (presets), `TrainRequest` (request), `Trainer` (trainer),
`make_trainer` and `train` (loop), `Course` (course), `StepRecord` and `Recorder` (step_record),
`Replay` (replay), `Trace` and `trace_step` (trace), `Effects` and `step_effects` (effects),
`LiveFigures` (live), `Progress`, `LossEntry` and `HistoryEntry` (report), `evaluate` (evaluation).
"""

import os

# A thread of torch that waits for another sleeps. Otherwise it spins, and on busy cores this makes
# a training with two threads five times slower. The OpenMP library reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
