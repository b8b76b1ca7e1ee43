"""JSON schemas of the fields of KEDA's objects that deploy/kubernetes uses.

They are narrower than KEDA's own schemas: any other field or value is an error here. The fields are
those of KEDA 2.12 and later:

- https://keda.sh/docs/latest/reference/scaledobject-spec/
- https://keda.sh/docs/latest/scalers/metrics-api/
- https://keda.sh/docs/latest/concepts/authentication/
"""

from typing import Any


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


NAME = {"type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$"}
COUNT = {"type": "integer", "minimum": 1}
REFERENCE = _object(name=NAME)

SCALED_OBJECT = _object(
    scaleTargetRef=REFERENCE,
    minReplicaCount=COUNT,
    maxReplicaCount=COUNT,
    pollingInterval=COUNT,
    advanced=_object(
        scalingModifiers=_object(
            formula={"type": "string"},
            target={"type": "string", "pattern": "^[0-9]+$"},
            metricType={"enum": ["AverageValue", "Value"]},
        ),
        horizontalPodAutoscalerConfig=_object(
            behavior=_object(
                scaleDown=_object(
                    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600}
                )
            )
        ),
    ),
    triggers={
        "type": "array",
        "items": _object(
            type={"const": "metrics-api"},
            name=NAME,
            # Quoted: KEDA's metadata are strings.
            metadata=_object(
                url={"type": "string", "pattern": "^http://[a-z.-]+:[0-9]+/[a-z]+$"},
                format={"enum": ["json", "prometheus", "xml", "yaml"]},
                valueLocation={"type": "string"},
                targetValue={"type": "string", "pattern": "^[0-9]+$"},
                authMode={"const": "bearer"},
            ),
            authenticationRef=REFERENCE,
        ),
    },
)

TRIGGER_AUTHENTICATION = _object(
    secretTargetRef={
        "type": "array",
        "items": _object(parameter={"const": "token"}, name=NAME, key={"type": "string"}),
    }
)

SCHEMAS = {"ScaledObject": SCALED_OBJECT, "TriggerAuthentication": TRIGGER_AUTHENTICATION}
