"""FastAPI + torch: raw body, no thread pool for some 100 µs of work, orjson's bytes as they are."""

import orjson
from fastapi import FastAPI, Request, Response
from network import Classifier

app = FastAPI()
classifier = Classifier()


@app.post("/predict")
async def predict(request: Request) -> Response:
    """Answer with ten probabilities."""
    probabilities = classifier.probabilities(await request.body())
    return Response(orjson.dumps(probabilities), media_type="application/json")
