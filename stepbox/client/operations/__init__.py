"""The operations of the API, one module per group.

Each operation of the OpenAPI document is one method. To add one, write its method here: the path as
in the document, an argument for each parameter, and the class of the answer, which is `Answer`
unless `stepbox.client.answers` declares one. `tests/stepbox/client/test_operations.py` compares all
methods with the document.
"""
