"""Each operation of the OpenAPI document is one method, and its parameters are arguments."""

import inspect
import itertools
from functools import cache

import pytest

from service.app import create_app
from service.settings import ServiceSettings
from stepbox.client import AsyncClient, Client
from stepbox.client.requests import Resource
from stepbox.errors import InvalidInputError

# Two methods are one operation: one sends JSON, to which the operation's other parameters do not
# belong, and one sends a file.
SHARED = {"POST /predictions"}
NOT_WITH_JSON = {"predictions.start": {"model", "label", "priority", "webhook", "content_encoding"}}

SAMPLE = {"inputs": [[0.0]]}
# Arguments that are neither a path's name nor a parameter: they make the body.
BODIES = {
    "jobs.train": {"recipe"},
    "jobs.label": set(),
    "predictions.start": {"model", "dataset"},
    "predictions.upload": {"file", "progress"},
    "sweeps.start": {"space", "recipe"},
    "models.label": set(),
    "aliases.set": {"model"},
    "predicting.predict": {"samples"},
    "predicting.taught": {"samples"},
    "datasets.upload": {"file", "progress"},
    "v1.predict": {"instances"},
    "v2.infer": {"body"},
    "v2.infer_version": {"body"},
    "v2.index": {"ready"},
}
VALUES = {
    "samples": SAMPLE,
    "space": {},
    "body": {},
    "instances": [],
    "file": b"",
    "progress": False,
}


@cache
def document():
    return create_app(ServiceSettings()).extensions["openapi"]


def methods(client):
    """Return the methods of a client that are operations, by name."""
    return {
        f"{group}.{name}": getattr(resource, name)
        for group, resource in vars(client).items()
        if isinstance(resource, Resource)
        for name in dir(type(resource))
        if hasattr(inspect.getattr_static(resource, name), "__get__")
        and hasattr(getattr(resource, name), "request")
    }


def arguments_of(method):
    """Return the arguments of a method; those of any name are left out."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind not in kinds
    ]


def argument_for(parameter):
    """Return the name of the argument for a parameter of an operation."""
    return parameter["name"].lower().replace("-", "_")


def filled(method):
    """Return a method's request, in which each argument has a value of its own."""
    given = {name: VALUES.get(name, f"v-{name}") for name in arguments_of(method)}
    return method.request(**given)


@pytest.fixture(scope="module")
def client():
    with Client() as client:
        yield client


def test_each_operation_is_one_method(client):
    described = sorted(
        f"{method.upper()} {path}"
        for path, operations in document()["paths"].items()
        for method in operations
    )
    requests = [filled(method) for method in methods(client).values()]
    sent = [f"{request.method} {request.template}" for request in requests]
    assert sorted(sent) == sorted([*described, *SHARED])


@pytest.mark.parametrize("name", methods(Client()))
def test_each_parameter_is_an_argument_that_is_sent(client, name):
    method = methods(client)[name]
    request = filled(method)
    operation = document()["paths"][request.template][request.method.lower()]
    parameters = [
        one
        for one in operation.get("parameters", ())
        if one["in"] != "cookie" and argument_for(one) not in NOT_WITH_JSON.get(name, ())
    ]
    sent = {
        "path": request.values,
        "query": request.query,
        "header": request.headers,
    }
    expected = {argument_for(one) for one in parameters}
    if name.startswith("analysis."):
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        members = document()["components"]["schemas"][reference.split("/")[-1]]["properties"]
        expected |= {*members}
        assert request.body is not None
        for member in members:
            assert f'"{member}": "v-{member}"' in request.body.content.decode()
    assert {*arguments_of(method)} == expected | BODIES.get(name, set())
    for one in parameters:
        argument = argument_for(one)
        assert sent[one["in"]][one["name"]] == VALUES.get(argument, f"v-{argument}")
    assert {*request.values, *request.query, *request.headers} - {"Accept"} == {
        one["name"] for one in parameters
    }
    assert bool(request.body) == ("requestBody" in operation)


def test_both_clients_have_the_same_methods(client):
    asynchronous = methods(AsyncClient())
    assert asynchronous.keys() == methods(client).keys()
    for name, method in methods(client).items():
        assert inspect.signature(method) == inspect.signature(asynchronous[name])
        assert inspect.getdoc(method) == inspect.getdoc(asynchronous[name])


def test_declared_members_of_answers_are_those_of_the_document():
    import stepbox.client.answers as answers

    names = {
        "JobRecord": "Job",
        "JobPage": "JobList",
        "ModelPage": "ModelList",
        "Aliases": "AliasList",
        "SweepRecord": "Sweep",
        "SweepPage": "SweepList",
    }
    schemas = document()["components"]["schemas"]
    declared = [
        kind
        for kind in vars(answers).values()
        if isinstance(kind, type)
        and issubclass(kind, answers.Answer)
        and kind is not answers.Answer
    ]
    assert len(declared) > 10
    for kind in declared:
        schema = schemas[names.get(kind.__name__, kind.__name__)]
        assert kind.__annotations__.keys() <= schema["properties"].keys(), kind
    status = schemas["Job"]["properties"]["status"]["enum"]
    assert status == [*answers.Status.__args__]


def test_values_cannot_leave_their_part_of_the_path(client):
    path = client.models.get.request("a/../b?c#d%2F").path
    assert path == "/models/a%2F..%2Fb%3Fc%23d%252F"
    for value in ("", ".", ".."):
        with pytest.raises(InvalidInputError, match="cannot be"):
            _ = client.models.get.request(value).path


def test_every_training_has_a_new_key(client):
    keys = {client.jobs.train.request().headers["Idempotency-Key"] for _ in itertools.repeat(0, 9)}
    assert len(keys) == 9
