"""Placeholder until the analysis endpoints land."""

from flask_openapi3 import APIBlueprint

blueprint = APIBlueprint("analysis", __name__)
