"""The table of operations as a Capabilities Description: WADL, or the same tree in JSON (PS3.18 H). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree import ElementTree as ET

from services.api.description.operation import PROBLEM, ROOT, Operation

NAMESPACE: Final = "http://wadl.dev.java.net/2009/02"

Node = dict[str, Any]
"""A resource: its step of the path, its methods, and the resources below."""


def tree(operations: Sequence[Operation], base: str, path: str) -> Node:
    """Return the description of the resource at `path` and of all below it.

    Parameters
    ----------
    base : str
        URL of the service as the client sees it, without a slash at its end.
    path : str
        Of `operations`, or the root.
    """
    below = [each for each in operations if each.method != "OPTIONS" and _is_at(each.path, path)]
    resource: Node = {"path": path.removeprefix(ROOT).strip("/") or "/", "methods": [], "resources": []}
    for operation in below:
        node = resource
        for step in operation.path[len(path.rstrip("/")) :].strip("/").split("/"):
            node = _child(node, step) if step else node
        node["methods"].append(_method(operation))
    return {"base": f"{base}{ROOT}", "resource": resource}


def _is_at(path: str, start: str) -> bool:
    return f"{path}/".startswith(f"{start.rstrip('/')}/")


def _child(node: Node, step: str) -> Node:
    for child in node["resources"]:
        if child["path"] == step:
            found: Node = child
            return found
    child = {"path": step, "methods": [], "resources": []}
    node["resources"].append(child)
    return child


def _method(operation: Operation) -> Node:
    answers = [{"status": status, "representations": list(names)} for status, names in operation.answers.items()]
    answers += [{"status": status, "representations": [PROBLEM]} for status in operation.problems]
    return {
        "name": operation.method,
        "id": operation.name,
        "parameters": [
            {"name": each.name, "style": "query", "required": each.is_required} for each in operation.parameters
        ],
        "accepts": list(operation.takes),
        "answers": answers,
    }


def to_xml(described: Node) -> bytes:
    """Return a description as WADL document."""
    application = ET.Element("application", xmlns=NAMESPACE)
    resources = ET.SubElement(application, "resources", base=described["base"])
    _add_resource(resources, described["resource"])
    text = ET.tostring(application, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _add_resource(parent: ET.Element, node: Node) -> None:
    element = ET.SubElement(parent, "resource", path=node["path"])
    for name in _templates(node["path"]):
        ET.SubElement(element, "param", name=name, style="template", required="true")
    for method in node["methods"]:
        _add_method(element, method)
    for child in node["resources"]:
        _add_resource(element, child)


def _templates(path: str) -> Iterator[str]:
    return (step[1:-1] for step in path.split("/") if step.startswith("{"))


def _add_method(parent: ET.Element, method: Node) -> None:
    element = ET.SubElement(parent, "method", name=method["name"], id=method["id"])
    request = ET.SubElement(element, "request")
    for parameter in method["parameters"]:
        required = str(parameter["required"]).lower()
        ET.SubElement(request, "param", name=parameter["name"], style="query", required=required)
    for media_type in method["accepts"]:
        ET.SubElement(request, "representation", mediaType=media_type)
    for answer in method["answers"]:
        response = ET.SubElement(element, "response", status=str(answer["status"]))
        for media_type in answer["representations"]:
            ET.SubElement(response, "representation", mediaType=media_type)
