"""The table of operations as a page for people: one file, no script. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Final

from services.api.description.operation import Operation

_HEADINGS: Final = {
    "10.6": "Search (QIDO-RS)",
    "10.5": "Store (STOW-RS)",
    "10.4": "Retrieve (WADO-RS)",
    "9": "Retrieve by URI (WADO-URI)",
    "8.9": "Capabilities",
    "": "Not of the Standard",
}
"""By section of PS3.18, in the order of the page."""


def to_html(operations: Sequence[Operation], base: str) -> str:
    """Return the page.

    Parameters
    ----------
    base : str
        URL of the server as the client sees it, without a slash at its end.
    """
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    return template.replace("{base}", escape(base)).replace("{operations}", "\n".join(_chapters(operations)))


def _chapters(operations: Sequence[Operation]) -> Iterator[str]:
    for section, heading in _HEADINGS.items():
        found = [each for each in operations if each.section == section]
        if found:
            yield f"<h2>{escape(heading)}{f' <small>PS3.18 {section}</small>' * bool(section)}</h2>"
            yield from map(_operation, found)


def _operation(operation: Operation) -> str:
    return "\n".join(
        (
            f'<details id="{escape(operation.name)}">',
            f"<summary><b>{operation.method}</b> <code>{escape(operation.path)}</code> "
            f"<span>{escape(operation.summary)}</span></summary>",
            *_parameters(operation),
            *_body(operation),
            *_answers(operation),
            "</details>",
        )
    )


def _parameters(operation: Operation) -> Iterator[str]:
    if operation.parameters:
        rows = [
            f"<tr><td><code>{escape(each.name)}</code>{' (required)' * each.is_required}</td>"
            f"<td>{escape(each.meaning)}</td></tr>"
            for each in operation.parameters
        ]
        yield f"<table><tr><th>in the query</th><th>meaning</th></tr>{''.join(rows)}</table>"


def _body(operation: Operation) -> Iterator[str]:
    if operation.takes:
        yield f"<p>The body is one of: {_codes(operation.takes)}</p>"


def _answers(operation: Operation) -> Iterator[str]:
    said = [(status, _codes(names) or "no body") for status, names in operation.answers.items()]
    said += [(status, "the reason") for status in operation.problems if status not in operation.answers]
    rows = [
        f"<tr><td>{status} {HTTPStatus(status).phrase}</td><td>{content}</td></tr>" for status, content in sorted(said)
    ]
    yield f"<table><tr><th>status</th><th>answer</th></tr>{''.join(rows)}</table>"


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"<code>{escape(name)}</code>" for name in names)
