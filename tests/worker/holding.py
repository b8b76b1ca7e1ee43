"""A worker that waits at a point of a job for as long as a file with the point's name exists.

The points of an import are ``report`` (within it), ``publish`` (after the decision) and ``finish``
(after the data set was published). Those of a prediction are ``predicted-1000`` and so on (after so
many samples), and also ``publish`` and ``finish``. Those of a training are ``epoch-1`` and so on
(after the epoch, which is not yet reported) and ``staged`` (before the decision). `HOLD_DIR` is the
folder of these files. The worker writes ``{point}.reached`` there when it starts to wait.
"""

import os
import time
from pathlib import Path

from stepbox.store.datasets import DatasetStore
from stepbox.store.models import ModelStore
from stepbox.store.predictions import PredictionStore
from worker import importing, predicting
from worker.app import app as app
from worker.checkpoints import Checkpoints

FOLDER = Path(os.environ["HOLD_DIR"])


def hold(point):
    if (FOLDER / point).exists():
        (FOLDER / f"{point}.reached").touch()
    while (FOLDER / point).exists():
        time.sleep(0.02)


def import_and_hold(upload, content_type, options, scratch, report, limits):
    def report_and_hold(progress):
        hold("report")
        report(progress)

    return import_upload(upload, content_type, options, scratch, report_and_hold, limits)


def predict_and_hold(*arguments, **options):
    *others, report = arguments

    def report_and_hold(progress):
        hold(f"predicted-{progress.samples}")
        report(progress)

    return predict_dataset(*others, report_and_hold, **options)


def holding(publish):
    def publish_and_hold(store, place):
        hold("publish")
        published = publish(store, place)
        hold("finish")
        return published

    return publish_and_hold


def save_and_hold(checkpoints, trainer, epoch=None):
    hold(f"epoch-{trainer.epochs_done}")
    save(checkpoints, trainer, epoch)


def stage_and_hold(store, *arguments):
    stage(store, *arguments)
    hold("staged")


import_upload, importing.import_upload = importing.import_upload, import_and_hold
predict_dataset, predicting.predict_dataset = predicting.predict_dataset, predict_and_hold
DatasetStore.publish = holding(DatasetStore.publish)
PredictionStore.publish = holding(PredictionStore.publish)
save, Checkpoints.save = Checkpoints.save, save_and_hold
stage, ModelStore.stage = ModelStore.stage, stage_and_hold
