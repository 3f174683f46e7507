"""The API's own description in OpenAPI 3.1, made from the table of paths and the types they name."""

from typing import Any

import msgspec

from energy_ledger.api import routes, types
from energy_ledger.api.paging import Parameter
from energy_ledger.api.problems import ProblemBody
from energy_ledger.api.routes import Route

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_PROBLEM = "application/problem+json"


def describe(version: str) -> dict[str, Any]:
    """Return the OpenAPI document of a node of this version."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes.ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    paths[routes.EVENTS_PATH] = {"get": _events_operation(schemas)}
    paths[routes.METRICS_PATH] = {"get": _metrics_operation()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Energy ledger node", "version": version, "description": types.__doc__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of every type the table names, and the components they refer to."""
    named = [ProblemBody, types.Hello, types.Event]
    named += [part for route in routes.ROUTES for part in _types_of(route)]
    unique = list(dict.fromkeys(named))
    made, components = msgspec.json.schema_components(unique, ref_template=_REF)
    return dict(zip(unique, made, strict=True)), components


def _types_of(route: Route) -> list[Any]:
    return [part for part in (route.gives, route.or_gives, route.takes) if part is not None]


def _answer(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    if route.or_gives is None:
        return {"schema": schemas[route.gives]}
    return {"schema": {"oneOf": [schemas[route.gives], schemas[route.or_gives]]}}


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": _path_key(route) + [_query_parameter(parameter) for parameter in route.query],
        "responses": {
            "200": {"description": route.summary, "content": {_JSON: _answer(route, schemas)}},
            "default": _problem(schemas),
        },
    }
    if route.takes is not None:
        content = {_JSON: {"schema": schemas[route.takes]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.open:
        operation["security"] = []
    return operation


def _path_key(route: Route) -> list[dict[str, Any]]:
    if not route.key:
        return []
    return [{"name": route.key, "in": "path", "required": True, "schema": {"type": "string"}}]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _problem(schemas: dict[Any, Any]) -> dict[str, Any]:
    return {"description": "why not", "content": {_PROBLEM: {"schema": schemas[ProblemBody]}}}


def _events_operation(schemas: dict[Any, Any]) -> dict[str, Any]:
    messages = {"oneOf": [schemas[types.Hello], schemas[types.Event]]}
    return {
        "summary": "A WebSocket: first `hello`, then every event after the cursor, without gap or duplicate",
        "parameters": [_query_parameter(parameter) for parameter in routes.EVENTS_QUERY],
        "responses": {
            "101": {"description": "text messages of these types", "content": {_JSON: {"schema": messages}}},
            "default": _problem(schemas),
        },
    }


def _metrics_operation() -> dict[str, Any]:
    return {
        "summary": "The node's figures in Prometheus' text format",
        "responses": {
            "200": {"description": "metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
        },
    }
