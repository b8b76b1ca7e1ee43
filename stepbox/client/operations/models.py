"""Models and their aliases: list, read, label, download and delete them."""

from __future__ import annotations

from typing import Any, Unpack

from stepbox.client.answers import Aliases, Answer, Card, JobRecord, ModelPage
from stepbox.client.bodies import json_body
from stepbox.client.operations.jobs import Labels
from stepbox.client.requests import (
    R,
    Request,
    Resource,
    content,
    nothing,
    of,
    operation,
    request,
    submission,
)


class Models(Resource[R]):
    """Models. ``ref`` is an id or an alias; ``latest`` is the newest one."""

    @operation
    def list(self, *, limit: int | None = None, after: str | None = None) -> Request[ModelPage]:
        """List models, newest first."""
        return request("GET /models", of(ModelPage), limit=limit, after=after)

    @operation
    def get(self, ref: str) -> Request[Card]:
        """Return the card of a model."""
        return request("GET /models/{ref}", of(Card), ref=ref)

    @operation
    def label(self, ref: str, **labels: Unpack[Labels]) -> Request[Card]:
        """Change the title, notes or tags of a model, and of its job if it still exists."""
        return request("PATCH /models/{ref}", of(Card), ref=ref, body=json_body(labels))

    @operation
    def delete(self, ref: str) -> Request[None]:
        """Delete a model that has no alias."""
        return request("DELETE /models/{ref}", nothing, ref=ref)

    @operation
    def weights(self, ref: str) -> Request[bytes]:
        """Return the weights, as a safetensors file."""
        return request("GET /models/{ref}/weights", content, ref=ref)

    @operation
    def export(self, ref: str, *, format: str | None = None) -> Request[bytes]:
        """Return a model as a file for other programs: ``onnx``, ``npz`` or ``torch``."""
        return request("GET /models/{ref}/export", content, ref=ref, format=format)

    @operation
    def reproduce(self, ref: str, *, idempotency_key: str | None = None) -> Request[JobRecord]:
        """Train a model's recipe again, and compare the new weights with the model's."""
        return submission(
            "POST /models/{ref}/reproduce",
            JobRecord,
            idempotency_key,
            ref=ref,
        )

    @operation
    def histograms(self, ref: str) -> Request[Answer]:
        """Return histograms of the weights of each layer, before and after the training."""
        return request("GET /models/{ref}/histograms", of(Answer), ref=ref)

    @operation
    def layers(self, ref: str) -> Request[Answer]:
        """Describe the layers of a model's network."""
        return request("GET /models/{ref}/layers", of(Answer), ref=ref)

    @operation
    def filters(self, ref: str, layer: int, *, limit: int | None = None) -> Request[Answer]:
        """Return the filters of a convolution, or the weights of a layer's neurons."""
        path = "GET /models/{ref}/layers/{layer}/filters"
        return request(path, of(Answer), ref=ref, layer=layer, limit=limit)

    @operation
    def filters_picture(self, ref: str, layer: int, *, limit: int | None = None) -> Request[bytes]:
        """Return the filters of a layer as a PNG file."""
        path = "GET /models/{ref}/layers/{layer}/filters.png"
        return request(path, content, ref=ref, layer=layer, limit=limit)

    @operation
    def first_layer(self, ref: str, *, limit: int | None = None) -> Request[Answer]:
        """Return the weights of the first layer's neurons, before and after the training."""
        return request("GET /models/{ref}/first-layer", of(Answer), ref=ref, limit=limit)

    @operation
    def first_layer_picture(self, ref: str, *, limit: int | None = None) -> Request[bytes]:
        """Return the first layer as a PNG file."""
        return request("GET /models/{ref}/first-layer.png", content, ref=ref, limit=limit)

    @operation
    def feature_maps(
        self, ref: str, *, index: int | None = None, layer: int | None = None
    ) -> Request[Answer]:
        """Return what the layers put out for a test image."""
        path = "GET /models/{ref}/feature-maps"
        return request(path, of(Answer), ref=ref, index=index, layer=layer)

    @operation
    def feature_maps_picture(
        self, ref: str, layer: int, *, index: int | None = None
    ) -> Request[bytes]:
        """Return the feature maps of a layer for a test image, as a PNG file."""
        path = "GET /models/{ref}/feature-maps/{layer}.png"
        return request(path, content, ref=ref, layer=layer, index=index)

    @operation
    def attribution(self, ref: str, *, index: int | None = None) -> Request[Answer]:
        """Return what the pixels of a test image contribute to the predicted class."""
        return request("GET /models/{ref}/attribution", of(Answer), ref=ref, index=index)

    @operation
    def confusion(
        self, ref: str, true: int, predicted: int, *, limit: int | None = None
    ) -> Request[Answer]:
        """List the test samples of a cell of the confusion matrix, the most confident first."""
        path = "GET /models/{ref}/confusion/{true}/{predicted}"
        return request(path, of(Answer), ref=ref, true=true, predicted=predicted, limit=limit)

    @operation
    def mistakes(
        self,
        ref: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        against: str | None = None,
        true: int | None = None,
        predicted: int | None = None,
    ) -> Request[Answer]:
        """List the samples that a model gets wrong; ``against``: and another one right."""
        return request(
            "GET /models/{ref}/mistakes",
            of(Answer),
            ref=ref,
            limit=limit,
            offset=offset,
            against=against,
            true=true,
            predicted=predicted,
        )

    @operation
    def steps(
        self,
        ref: str,
        *,
        every: int | None = None,
        where: str | None = None,
        after: int | None = None,
    ) -> Request[Answer]:
        """Summarize all steps of a model's training; or with ``where``, find one of them."""
        path = "GET /models/{ref}/steps"
        return request(path, of(Answer), ref=ref, every=every, where=where, after=after)

    @operation
    def step(
        self,
        ref: str,
        step: int,
        *,
        gradient: str | None = None,
        include: str | None = None,
        sample: int | None = None,
        layer: int | None = None,
    ) -> Request[Answer]:
        """Compute every number of one step of a model's training."""
        return request(
            "GET /models/{ref}/steps/{step}",
            of(Answer),
            ref=ref,
            step=step,
            gradient=gradient,
            include=include,
            sample=sample,
            layer=layer,
        )

    @operation
    def published(self) -> Request[Answer]:
        """Return the curves that the source printed."""
        return request("GET /published", of(Answer))


class AliasesOfModels(Resource[R]):
    """Aliases: names of models that can be moved."""

    @operation
    def list(self) -> Request[Aliases]:
        """List all aliases."""
        return request("GET /aliases", of(Aliases))

    @operation
    def get(self, name: str) -> Request[Answer]:
        """Return an alias with its gate and its history."""
        return request("GET /aliases/{name}", of(Answer), name=name)

    @operation
    def set(self, /, name: str, model: str, **fields: Any) -> Request[Aliases]:
        """Let an alias name a model that passes its gate; ``gate={…}`` sets the gate."""
        body = json_body({"model": model} | fields)
        return request("PUT /aliases/{name}", of(Aliases), name=name, body=body)

    @operation
    def rollback(self, name: str) -> Request[Answer]:
        """Let an alias name the model before the present one."""
        return request("POST /aliases/{name}/rollback", of(Answer), name=name)

    @operation
    def delete(self, name: str) -> Request[None]:
        """Remove an alias."""
        return request("DELETE /aliases/{name}", nothing, name=name)
