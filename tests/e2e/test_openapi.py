"""The description of the web doors is held against a running system: thousands of requests made from it, good and bad.

With RADSTREAM_TEST_CASES the number of requests; `make test-openapi` makes 50,000.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.serialization import Binary

from tests.samples import samples
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(4 * 3600)]

CASES = int(os.environ.get("RADSTREAM_TEST_CASES", "1000"))
OF_ANSWERS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDARY = "openapi-boundary"
WITHIN_S = 600
"""Of one answer, on a machine that may do other things for a while."""


def octets(value: Any) -> bytes:
    return value.data if isinstance(value, Binary) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("application/dicom", "application/dicom+xml")
def serialize_file(_context: Any, value: Any) -> bytes:
    return octets(value)


@schemathesis.serializer("multipart/related")
def serialize_related(_context: Any, value: Any) -> dict[str, Any]:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    body = head + octets(value) + f"\r\n--{BOUNDARY}--\r\n".encode()
    return {"data": body, "headers": {"Content-Type": kind}}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with images of many kinds, of which all may be deleted."""
    running = System(tmp_path_factory.mktemp("home") / "radstream", {"RADSTREAM_ALLOW_DELETE": "true"}).start()
    stored = [sample for sample in samples() if sample.is_storable][::4]
    for sample in stored:
        assert running.stow(sample.path.read_bytes()).status_code == 200
    running.wait_until_indexed()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def addresses(system: System) -> list[dict[str, str]]:
    """Return what paths may name: instances that are there, in one hierarchy each."""
    rows = system.get("instances?limit=1000").json()
    tags = {"study": "0020000D", "series": "0020000E", "instance": "00080018"}
    return [{name: row[tag]["Value"][0] for name, tag in tags.items()} for row in rows]


def test_every_answer_is_one_that_is_described(system: System) -> None:
    schema = schemathesis.openapi.from_url(f"{system.dicom_web}/openapi.json")
    operations = sorted(
        (result.ok() for result in schema.get_all_operations()), key=lambda each: each.method == "delete"
    )
    known = addresses(system)
    seen: Counter[int] = Counter()
    with requests.Session() as session:
        for left, operation in zip(range(len(operations), 0, -1), operations, strict=True):
            # Some have fewer different requests than their share: the others make up for them.
            found = ask(operation, known, max(1, -(-(CASES - seen.total()) // left)), session)
            print(f"{operation.label}: {dict(sorted(found.items()))}")
            seen += found
    print(f"{seen.total()} requests to {len(operations)} operations: {dict(sorted(seen.items()))}")
    assert seen.total() >= CASES
    assert {200, 204, 400, 404} <= seen.keys()


def ask(operation: Any, known: list[dict[str, str]], number: int, session: requests.Session) -> Counter[int]:
    """Make `number` requests of one operation, a part of them to what is there; return how often each status came."""
    seen: Counter[int] = Counter()

    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(cases(operation), st.sampled_from([None, None, *known]))
    def run(case: Any, there: dict[str, str] | None) -> None:
        if there is not None:
            for name in case.path_parameters.keys() & there.keys():
                case.path_parameters[name] = there[name]
        response = case.call_and_validate(session=session, checks=OF_ANSWERS, timeout=WITHIN_S)
        seen[response.status_code] += 1

    run()
    return seen


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Return requests as they are described and, where there is something to spoil, as they are not."""
    modes = [GenerationMode.POSITIVE]
    if list(operation.iter_parameters()) or operation.body:
        modes.append(GenerationMode.NEGATIVE)
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])


def test_a_wrong_answer_is_found(system: System) -> None:
    """The same checks, on a description that forgets one status."""
    described = system.get("openapi.json").json()
    del described["paths"]["/dicom-web/studies"]["get"]["responses"]["400"]
    case = schemathesis.openapi.from_dict(described)["/dicom-web/studies"]["GET"].Case(query={"limit": "x"})
    with pytest.raises(FailureGroup):
        case.call_and_validate(checks=OF_ANSWERS, base_url=system.base)
