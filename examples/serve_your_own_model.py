"""Train a model, save it to the server's folder of models, and use it from there.

A model is a folder with a card and weights. The name of the folder is the model's id. The server
looks for new folders in `models/` at each request. If `make run` is running in another terminal, it
therefore serves this model at once, under the id that this program prints. Ask it for a prediction:

    curl -F image=@seven.png 'http://127.0.0.1:8000/predict?model=ID'
"""

import os
from pathlib import Path

import stepbox
from stepbox.store.models import ModelStore

models = Path(os.environ.get("STEPBOX_MODELS_DIR", "models"))

run = stepbox.train("mnist-numpy", epochs=1)
run.save(models / run.card.id)  # a new folder, so no other model is overwritten

store = ModelStore(models)  # the server reads its models through the same class
card = store.card(run.card.id)
print(f"{card.id} gets {card.evaluation.accuracy:.1%} of the test images right")

image = stepbox.load_dataset("mnist", "test").samples[0]
prediction = stepbox.load(models / card.id).predict(image)
print(f"the first test image is a {prediction.label}, with {prediction.probability:.1%}")
