"""The resources that change what is stored: Store (PS3.18 10.5), and deletion, which the Standard does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from radstream.web.paths import STUDY
from services.api.description.operation import DICOM, DICOM_JSON, RELATED, ROOT, Operation
from services.api.description.retrievals import LEVELS

_MODULE: Final = (DICOM_JSON, RELATED)
"""The Store Instances Response Module, in JSON or XML."""

TAKEN: Final = (RELATED, DICOM, DICOM_JSON, "application/dicom+xml")


def stores() -> Iterator[Operation]:
    """Yield the operations of Store."""
    answers = dict.fromkeys((200, 202, 409, 500, 503, 507), _MODULE)
    problems = (400, 415)
    for name, path in (("StoreInstances", "/studies"), ("StoreStudyInstances", STUDY)):
        summary = "Store instances" if path == "/studies" else "Store instances of one study"
        yield Operation(name, "POST", ROOT + path, summary, "10.5", answers, problems, takes=TAKEN)


def deletions() -> Iterator[Operation]:
    """Yield the operations of deletion."""
    for path, level in LEVELS.items():
        summary = f"Take a {level.lower()} out of every answer"
        yield Operation(f"Delete{level}", "DELETE", ROOT + path, summary, "", {204: ()}, (400, 403, 404, 503))
