"""Data sets: upload, list, look into and delete them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stepbox.client.answers import Answer, DatasetEntry, DatasetList, JobRecord
from stepbox.client.bodies import File, upload_body
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


class Datasets(Resource[R]):
    """Data sets. ``ref`` is an id or a name; a name means the newest of this name."""

    @operation
    def list(self) -> Request[DatasetList]:
        """List all data sets."""
        return request("GET /datasets", of(DatasetList))

    @operation
    def get(self, ref: str) -> Request[DatasetEntry]:
        """Describe a data set."""
        return request("GET /datasets/{ref}", of(DatasetEntry), ref=ref)

    @operation
    def upload(
        self,
        file: File | Mapping[str, File],
        *,
        name: str,
        test: float | None = None,
        seed: int | None = None,
        size: int | None = None,
        color: str | None = None,
        label: str | None = None,
        priority: int | None = None,
        webhook: str | None = None,
        idempotency_key: str | None = None,
        content_encoding: str | None = None,
        progress: bool = True,
    ) -> Request[JobRecord]:
        """Upload a file, or several by the names of their parts. A job imports it.

        A file is streamed from the disk, with a bar in a terminal or a notebook.
        """
        return submission(
            "POST /datasets",
            JobRecord,
            idempotency_key,
            body=upload_body(file, progress),
            headers={"Content-Encoding": content_encoding},
            name=name,
            test=test,
            seed=seed,
            size=size,
            color=color,
            label=label,
            priority=priority,
            webhook=webhook,
        )

    @operation
    def delete(self, ref: str, *, force: bool | None = None) -> Request[None]:
        """Delete a data set; with ``force`` also if jobs or models refer to it."""
        return request("DELETE /datasets/{ref}", nothing, ref=ref, force=force)

    @operation
    def samples(
        self,
        ref: str,
        split: str,
        *,
        label: int | None = None,
        offset: int | None = None,
        index: str | Iterable[int] | None = None,
        limit: int | None = None,
        values: bool | None = None,
    ) -> Request[Answer]:
        """List samples by their indices, or a page of them."""
        if not (index is None or isinstance(index, str)):
            index = ",".join(map(str, index))
        return request(
            "GET /datasets/{ref}/{split}",
            of(Answer),
            ref=ref,
            split=split,
            label=label,
            offset=offset,
            index=index,
            limit=limit,
            values=values,
        )

    @operation
    def picture(self, ref: str, split: str, index: int) -> Request[bytes]:
        """Return an image as a PNG file."""
        path = "GET /datasets/{ref}/{split}/{index}.png"
        return request(path, content, ref=ref, split=split, index=index)

    @operation
    def sheet(
        self,
        ref: str,
        *,
        label: int | None = None,
        offset: int | None = None,
        split: str | None = None,
        columns: int | None = None,
        rows: int | None = None,
    ) -> Request[bytes]:
        """Return many images in one PNG file."""
        return request(
            "GET /datasets/{ref}/sheet.png",
            content,
            ref=ref,
            label=label,
            offset=offset,
            split=split,
            columns=columns,
            rows=rows,
        )

    @operation
    def summary(
        self, ref: str, *, split: str | None = None, samples: int | None = None
    ) -> Request[Answer]:
        """Return the mean image or statistics of the columns, and samples of each class."""
        path = "GET /datasets/{ref}/summary"
        return request(path, of(Answer), ref=ref, split=split, samples=samples)

    @operation
    def means(
        self, ref: str, *, split: str | None = None, columns: int | None = None
    ) -> Request[bytes]:
        """Return the mean image of each class, in one PNG file."""
        path = "GET /datasets/{ref}/means.png"
        return request(path, content, ref=ref, split=split, columns=columns)

    @operation
    def generated(
        self,
        generate: str,
        *,
        classes: int | None = None,
        samples: int | None = None,
        noise: float | None = None,
        seed: int | None = None,
    ) -> Request[Answer]:
        """Return the points of a generated data set, without storing it."""
        return request(
            "GET /generated",
            of(Answer),
            generate=generate,
            classes=classes,
            samples=samples,
            noise=noise,
            seed=seed,
        )
