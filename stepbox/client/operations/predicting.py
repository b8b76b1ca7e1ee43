"""Predictions, also with the inference protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepbox.client.answers import Answer, Predictions
from stepbox.client.bodies import Body, Samples, given, json_body, samples_body
from stepbox.client.requests import R, Request, Resource, of, operation, request


class Predicting(Resource[R]):
    """Predictions of samples."""

    @operation
    def predict(
        self,
        samples: Samples,
        *,
        model: str | None = None,
        invert: str | None = None,
        fit: str | None = None,
        scale: str | None = None,
        explain: bool | None = None,
        activations: bool | None = None,
        occlusion: bool | None = None,
        off: str | None = None,
        top: int | None = None,
        content_encoding: str | None = None,
    ) -> Request[Predictions]:
        """Predict samples: files, their bytes, an array, or a JSON object as a mapping."""
        return request(
            "POST /predict",
            of(Predictions),
            body=samples_body(samples),
            headers={"Content-Encoding": content_encoding},
            repeatable=True,
            model=model,
            invert=invert,
            fit=fit,
            scale=scale,
            explain=explain,
            activations=activations,
            occlusion=occlusion,
            off=off,
            top=top,
        )

    @operation
    def taught(
        self,
        samples: Samples,
        *,
        model: str | None = None,
        invert: str | None = None,
        fit: str | None = None,
        scale: str | None = None,
        label: int | None = None,
        content_encoding: str | None = None,
    ) -> Request[Answer]:
        """Find the steps of the training that changed the loss of one sample most."""
        return request(
            "POST /predict/taught",
            of(Answer),
            body=samples_body(samples),
            headers={"Content-Encoding": content_encoding},
            repeatable=True,
            model=model,
            invert=invert,
            fit=fit,
            scale=scale,
            label=label,
        )


class InferenceV1(Resource[R]):
    """The protocol of TensorFlow Serving and KServe, version 1."""

    @operation
    def models(self) -> Request[Answer]:
        """List the names of the models."""
        return request("GET /v1/models", of(Answer))

    @operation
    def model(self, ref: str) -> Request[Answer]:
        """Tell whether a model can be used."""
        return request("GET /v1/models/{ref}", of(Answer), ref=ref)

    @operation
    def predict(
        self,
        /,
        ref: str,
        instances: Any,
        *,
        content_encoding: str | None = None,
        **members: Any,
    ) -> Request[Answer]:
        """Predict instances; further members of the body are for example ``scale="unit"``."""
        return request(
            "POST /v1/models/{ref}:predict",
            of(Answer),
            ref=ref,
            body=json_body({"instances": instances} | members),
            headers={"Content-Encoding": content_encoding},
            repeatable=True,
        )


class InferenceV2(Resource[R]):
    """The Open Inference Protocol, version 2. Each model has one version, 1."""

    @operation
    def server(self) -> Request[Answer]:
        """Describe the server."""
        return request("GET /v2", of(Answer))

    @operation
    def live(self) -> Request[Answer]:
        """Tell whether the server runs."""
        return request("GET /v2/health/live", of(Answer))

    @operation
    def ready(self) -> Request[Answer]:
        """Tell whether the server is ready."""
        return request("GET /v2/health/ready", of(Answer))

    @operation
    def model(self, ref: str) -> Request[Answer]:
        """Describe the inputs and outputs of a model."""
        return request("GET /v2/models/{ref}", of(Answer), ref=ref)

    @operation
    def model_version(self, ref: str) -> Request[Answer]:
        """Describe the inputs and outputs of the only version of a model."""
        return request("GET /v2/models/{ref}/versions/1", of(Answer), ref=ref)

    @operation
    def model_ready(self, ref: str) -> Request[Answer]:
        """Tell whether a model can be used."""
        return request("GET /v2/models/{ref}/ready", of(Answer), ref=ref)

    @operation
    def model_version_ready(self, ref: str) -> Request[Answer]:
        """Tell whether the only version of a model can be used."""
        return request("GET /v2/models/{ref}/versions/1/ready", of(Answer), ref=ref)

    @operation
    def index(self, *, ready: bool | None = None) -> Request[Answer]:
        """List all models, or only those that can be used."""
        body = json_body(given(ready=ready))
        return request("POST /v2/repository/index", of(Answer), body=body, repeatable=True)

    @operation
    def infer(
        self,
        ref: str,
        body: Mapping[str, Any] | bytes,
        *,
        content_encoding: str | None = None,
        inference_header_content_length: int | None = None,
    ) -> Request[Answer]:
        """Predict the input tensors of a JSON body, or of a binary one."""
        return _infer(
            "POST /v2/models/{ref}/infer",
            ref,
            body,
            content_encoding,
            inference_header_content_length,
        )

    @operation
    def infer_version(
        self,
        ref: str,
        body: Mapping[str, Any] | bytes,
        *,
        content_encoding: str | None = None,
        inference_header_content_length: int | None = None,
    ) -> Request[Answer]:
        """Predict the same with the only version of a model."""
        return _infer(
            "POST /v2/models/{ref}/versions/1/infer",
            ref,
            body,
            content_encoding,
            inference_header_content_length,
        )


def _infer(
    path: str, ref: str, body: Mapping[str, Any] | bytes, encoding: str | None, length: int | None
) -> Request[Answer]:
    return request(
        path,
        of(Answer),
        ref=ref,
        body=Body(body, "application/octet-stream") if isinstance(body, bytes) else json_body(body),
        headers={"Content-Encoding": encoding, "Inference-Header-Content-Length": length},
        repeatable=True,
    )
