"""The table of operations as an OpenAPI 3.1 document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from radstream import __version__
from services.api.description.operation import DICOM_JSON, JSON, PROBLEM, Operation, Parameter

Json = dict[str, Any]

_UID: Final = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
_PATH_PARAMETERS: Final[dict[str, tuple[str, Json]]] = {
    "study": ("Study Instance UID", _UID),
    "series": ("Series Instance UID", _UID),
    "instance": ("SOP Instance UID", _UID),
    "frames": (
        "numbers of frames, from 1, by comma",
        {"type": "string", "pattern": r"^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8}){0,9}$"},
    ),
    "path": (
        "as a BulkDataURI has it: a tag, or tags and item numbers",
        {"type": "string", "pattern": r"^[0-9A-Fa-f]{8}$"},
    ),
}

_VALUE: Final = {
    "anyOf": [
        {"type": ["string", "number", "null"]},
        {"$ref": "#/components/schemas/DataSet"},
        {"$ref": "#/components/schemas/PersonName"},
    ]
}
SCHEMAS: Final[Json] = {
    "Problem": {
        "description": "RFC 9457; `detail` says why and holds no patient data",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"const": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
        },
        "additionalProperties": False,
    },
    "DataSet": {
        "description": "PS3.18 F.2.2: attributes by tag",
        "type": "object",
        "patternProperties": {"^[0-9A-F]{8}$": {"$ref": "#/components/schemas/Attribute"}},
        "additionalProperties": False,
    },
    "Attribute": {
        "type": "object",
        "required": ["vr"],
        "properties": {
            "vr": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "Value": {"type": "array", "minItems": 1, "items": _VALUE},
            "InlineBinary": {"type": "string"},
            "BulkDataURI": {"type": "string", "format": "uri"},
        },
        "additionalProperties": False,
    },
    "PersonName": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("Alphabetic", "Ideographic", "Phonetic")},
        "additionalProperties": False,
    },
}

_EVERYWHERE: Final = {500: "our own fault", 405: "the resource does not know the method", 415: "a body that is encoded"}


def document(operations: Sequence[Operation], base: str) -> Json:
    """Return the document.

    Parameters
    ----------
    base : str
        URL of the server as the client sees it, without a slash at its end.
    """
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Radstream",
            "version": __version__,
            "description": "DICOMweb (PS3.18) of a picture archive; its conformance statement says what it means",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base or "/"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _operation(operation: Operation) -> Json:
    found: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_of_path(name) for name in operation.path_parameters]
        + [_of_query(p) for p in operation.parameters],
        "responses": _responses(operation),
    }
    if operation.section:
        found["description"] = f"PS3.18 {operation.section}"
    if operation.takes:
        found["requestBody"] = {"required": True, "content": {name: _taken(name) for name in operation.takes}}
    return found


def _taken(media_type: str) -> Json:
    if media_type != DICOM_JSON:
        return {"schema": {"type": "string", "format": "binary"}}
    data_set = {"$ref": "#/components/schemas/DataSet"}
    return {"schema": {"anyOf": [data_set, {"type": "array", "items": data_set}]}}


def _of_path(name: str) -> Json:
    meaning, schema = _PATH_PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": schema}


def _of_query(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _responses(operation: Operation) -> Json:
    said: Json = {
        str(status): _response(HTTPStatus(status).phrase, {name: _body(name, operation) for name in names})
        for status, names in operation.answers.items()
    }
    for status in (*operation.problems, *_EVERYWHERE):
        problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        before = said.get(str(status), {}).get("content", {})
        said[str(status)] = _response(_EVERYWHERE.get(status, HTTPStatus(status).phrase), before | problem)
    return dict(sorted(said.items()))


def _response(description: str, content: Json) -> Json:
    return {"description": description, "content": content} if content else {"description": description}


def _body(media_type: str, operation: Operation) -> Json:
    """Return what is known of a body: of DICOM JSON its shape."""
    if media_type != DICOM_JSON:
        return {"schema": {"type": "object"}} if media_type == JSON else {}
    data_set = {"$ref": "#/components/schemas/DataSet"}
    return {"schema": data_set if operation.takes else {"type": "array", "items": data_set}}
