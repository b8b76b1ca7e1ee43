"""The operations of the API, one module per group.

Each operation of the OpenAPI document is one method. To add one, write its method: the path as in
the document, an argument for each parameter, and the class of the answer, which is
`stepbox.client.Answer` unless `stepbox.client.answers` declares one. Tests compare all methods with
the document.

Public names: `Jobs` (jobs), `Models` and `AliasesOfModels` (models), `Predicting`, `InferenceV1`
and `InferenceV2` (predicting), `Datasets` (datasets), `DatasetPredictions` (predictions),
`Sweeps` (sweeps), `Webhooks` (webhooks), `Analysis` (analysis), `System` (system).
"""
