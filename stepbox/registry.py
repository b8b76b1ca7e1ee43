"""Fields whose value is a key of a registry, such as the name of a data set."""

from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticKnownError, core_schema


class KeyOf:
    """Annotate a string that must be a key of a registry.

    Each validation reads the keys, so a key added to the registry is accepted immediately.

    Parameters
    ----------
    registry
        Maps each allowed name to its value.
    """

    def __init__(self, registry: Mapping[str, Any]) -> None:
        self._registry = registry

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": list(self._registry)}

    def _check(self, value: Any) -> Any:
        if isinstance(value, str) and value in self._registry:
            return value
        *others, last = map(repr, self._registry)
        expected = f"{', '.join(others)} or {last}" if others else last
        raise PydanticKnownError("literal_error", {"expected": expected})
