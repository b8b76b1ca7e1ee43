"""Predictions of whole data sets, which are jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepbox.client.answers import Answer, JobRecord
from stepbox.client.bodies import File, json_body, upload_body
from stepbox.client.requests import (
    R,
    Request,
    Resource,
    content,
    of,
    operation,
    request,
    submission,
)


class DatasetPredictions(Resource[R]):
    """Predictions of data sets. ``id`` is that of the job."""

    @operation
    def start(
        self,
        /,
        model: str,
        dataset: str,
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Request[JobRecord]:
        """Predict a split of a data set; further fields of the body are for example ``split``."""
        return submission(
            "POST /predictions",
            JobRecord,
            idempotency_key,
            body=json_body({"model": model, "dataset": dataset} | fields),
        )

    @operation
    def upload(
        self,
        file: File | Mapping[str, File],
        *,
        model: str | None = None,
        label: str | None = None,
        priority: int | None = None,
        webhook: str | None = None,
        idempotency_key: str | None = None,
        content_encoding: str | None = None,
        progress: bool = True,
    ) -> Request[JobRecord]:
        """Predict all samples of a file, or of several by the names of their parts."""
        return submission(
            "POST /predictions",
            JobRecord,
            idempotency_key,
            body=upload_body(file, progress),
            headers={"Content-Encoding": content_encoding},
            model=model,
            label=label,
            priority=priority,
            webhook=webhook,
        )

    @operation
    def get(self, id: str) -> Request[Answer]:
        """Return what a prediction has found: its evaluation and the most uncertain samples."""
        return request("GET /predictions/{id}", of(Answer), id=id)

    @operation
    def result(self, id: str, *, format: str | None = None) -> Request[bytes]:
        """Return what a prediction has found for each sample, as Parquet or CSV."""
        return request("GET /predictions/{id}/result", content, id=id, format=format)
