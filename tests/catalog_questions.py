"""What may be kept in a catalog and asked of it: strategies for property tests, on the collection of studies."""

from __future__ import annotations

from hypothesis import strategies as st

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.catalog.port import Delete, Operation, Put, PutEarliest, Set

NUMBER = "NumberOfStudyRelatedInstances"
FIELDS = ("PatientID", "StudyDate", "order", NUMBER, "ModalitiesInStudy", "PatientName_folded", "attributes")

_KEYS = st.sampled_from(["1", "2", "3", "a", "a*", "b", "ä", "\0", ""])
_CHARACTERS = st.sampled_from([*"aAb*?[]^%2\n", "é", "\0", "\ufffd", "\uffff", "\ud7ff", "\U0001f600", "\U0010ffff"])
_TEXTS = st.sampled_from(["a", "ab", "20260101", "20260102"]) | st.lists(_CHARACTERS, max_size=3).map("".join)
_NUMBERS = st.sampled_from([-1, 0, 1, 2, 1 << 40, -(1 << 63), (1 << 63) - 1])
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "PatientID": _TEXTS | st.none(),
        "StudyDate": _TEXTS,
        "StudyDescription_folded": _TEXTS,
        "order": _TEXTS,
        NUMBER: _NUMBERS,
        "ModalitiesInStudy": st.lists(_TEXTS, max_size=3),
        "PatientName_folded": st.lists(_TEXTS, max_size=3),
        "attributes": st.binary(max_size=3),
    },
)
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Put, st.just("studies"), _KEYS, _DOCUMENTS),
    st.builds(Put, st.just("studies"), _KEYS, _DOCUMENTS),
    st.builds(
        lambda key, document, order: PutEarliest("studies", key, document | {"order": order}), _KEYS, _DOCUMENTS, _TEXTS
    ),
    st.builds(Set, st.just("studies"), _KEYS, _DOCUMENTS),
    st.builds(Delete, st.just("studies"), _KEYS),
)

_TEXT_FIELDS = st.sampled_from(["PatientID", "StudyDate", "StudyDescription_folded", "order", "_id"])
_LIST_FIELDS = st.sampled_from(["ModalitiesInStudy", "PatientName_folded"])
_MANY = st.just([f"filling {number}" for number in range(100)])
_LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Equals, _TEXT_FIELDS | _LIST_FIELDS, _TEXTS),
    st.builds(Equals, st.just(NUMBER), _NUMBERS),
    st.builds(In, _TEXT_FIELDS | _LIST_FIELDS, st.lists(_TEXTS, max_size=4)),
    st.builds(lambda field, some, many: In(field, some + many), _TEXT_FIELDS | _LIST_FIELDS, st.lists(_TEXTS), _MANY),
    st.builds(In, st.just(NUMBER), st.lists(_NUMBERS, max_size=3)),
    st.builds(Range, _TEXT_FIELDS | _LIST_FIELDS, st.none() | _TEXTS, st.none() | _TEXTS),
    st.builds(Range, st.just(NUMBER), st.none() | _NUMBERS, st.none() | _NUMBERS),
    st.builds(Wildcard, _TEXT_FIELDS | _LIST_FIELDS, _TEXTS),
    st.builds(Wildcard, _TEXT_FIELDS | _LIST_FIELDS, st.lists(st.sampled_from(["*", "?", "a", "é"])).map("".join)),
    st.builds(Exists, _TEXT_FIELDS | _LIST_FIELDS | st.sampled_from([NUMBER, "attributes"]), st.booleans()),
)
PREDICATES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=4)), st.builds(Or, st.lists(inner, max_size=4)), st.builds(Not, inner)
    ),
    max_leaves=8,
)
SORTS = st.lists(
    st.sampled_from(
        [sign + name for sign in ("", "-") for name in ("StudyDate", "StudyTime", NUMBER, "PatientID", "_id")]
    ),
    max_size=3,
    unique_by=lambda name: name.removeprefix("-"),
)
PAGES = st.fixed_dictionaries({}, optional={"skip": st.integers(0, 4), "limit": st.integers(0, 6)})
