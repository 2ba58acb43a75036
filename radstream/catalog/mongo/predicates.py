"""From the predicates of `catalog.filters` to MongoDB's. Pure.

MongoDB compares text byte for byte unless told otherwise, and a comparison holds only for values of its own kind. An
operator on a list is about its elements, but two operators may be met by two different ones: hence ``$elemMatch``.
"""

from __future__ import annotations

import re
from typing import Any, Final

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Value, Wildcard
from radstream.catalog.mongo.schema import Schema, trigrams_name
from radstream.catalog.trigrams import trigrams_in
from radstream.catalog.values import fits, is_unicode, may_be
from radstream.catalog.wildcards import behind, split
from radstream.contract.documents import Field
from radstream.contract.errors import MalformedRequest

Filter = dict[str, Any]

_ALWAYS: Final[Filter] = {}
_NEVER: Final[Filter] = {"_id": {"$in": []}}
_HAS_VALUE: Final[Filter] = {"$ne": None}


def compile_predicate(where: Predicate, schema: Schema) -> Filter:
    """Return the filter that `where` is.

    Raises
    ------
    MalformedRequest
        If a pattern is longer than 1024 characters, or a bound is no Unicode text.
    ValueError
        If a field is not declared, or of a kind that the predicate is not for.
    """
    match where:
        case And(parts):
            return _join("$and", [compile_predicate(part, schema) for part in parts], _ALWAYS)
        case Or(parts):
            return _join("$or", [compile_predicate(part, schema) for part in parts], _NEVER)
        case Not(part):
            return {"$nor": [compile_predicate(part, schema)]}
        case Exists(name, present):
            schema.field(name)
            return {name: _HAS_VALUE if present else None}
        case _:
            return _on_field(where, schema.field(where.field))


def _join(operator: str, parts: list[Filter], empty: Filter) -> Filter:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else {operator: parts}


def _on_field(where: Equals | In | Range | Wildcard, field: Field) -> Filter:
    if field.kind == "bytes":
        raise ValueError(f"{type(where).__name__} is not for the {field.kind} field {field.name}")
    condition = _condition(where, field)
    if condition is None:
        return _NEVER
    if field.kind == "list" and len(condition) > 1:
        condition = {"$elemMatch": condition}
    return {field.name: condition} | _candidates(where, field)


def _candidates(where: Equals | In | Range | Wildcard, field: Field) -> Filter:
    """Return what leads an index to the matches of a pattern without beginning, if one can."""
    if not isinstance(where, Wildcard) or not field.infix or split(where.pattern)[0]:
        return {}
    name, trigrams = trigrams_name(field.name), trigrams_in(where.pattern)
    # Documents that an older version wrote have no trigrams: they are tested one by one.
    return {"$or": [{name: {"$all": trigrams}}, {name: None}]} if trigrams else {}


def _condition(where: Equals | In | Range | Wildcard, field: Field) -> Filter | None:
    """Return the condition on one value; None if none can meet it."""
    match where:
        case Equals(_, wanted):
            return _in([wanted], field)
        case In(_, several):
            return _in(list(several), field)
        case Range(_, low, high):
            return _range(low, high, field)
        case Wildcard(_, pattern):
            return _wildcard(pattern) if field.kind != "int" and is_unicode(pattern) else None


def _in(values: list[Value], field: Field) -> Filter | None:
    wanted = [
        value if isinstance(value, str) else int(value) for value in dict.fromkeys(values) if may_be(field, value)
    ]
    if not wanted:
        return None
    return {"$eq": wanted[0]} if len(wanted) == 1 else {"$in": wanted}


def _range(low: Value | None, high: Value | None, field: Field) -> Filter | None:
    bounds = [bound for bound in (low, high) if bound is not None]
    if any(isinstance(bound, int) is not (field.kind == "int") for bound in bounds):
        return None
    conditions = [_bound(bound, sign) for bound, sign in ((low, "$gte"), (high, "$lte")) if bound is not None]
    if None in conditions:
        return None
    met: Filter = {}
    for condition in conditions:
        met |= condition or {}
    return met or dict(_HAS_VALUE)


def _bound(bound: Value, sign: str) -> Filter | None:
    """Return the condition that `bound` is; empty if every value meets it, None if none does."""
    if isinstance(bound, int):
        if fits(bound):
            return {sign: int(bound)}
        return {} if (bound < 0) is (sign == "$gte") else None
    if not is_unicode(bound):
        raise MalformedRequest("a bound of a range is no Unicode text")
    return {sign: bound}


def _wildcard(pattern: str) -> Filter:
    """Return the condition as a range, which an index answers, and an expression for what is behind the prefix."""
    prefix, rest = split(pattern)
    if not rest:
        return {"$eq": prefix}
    condition: Filter = {"$gte": prefix}
    end = behind(prefix)
    if prefix and end is not None:
        condition["$lt"] = end
    if set(rest) != {"*"}:
        condition |= {"$regex": to_expression(pattern), "$options": "s"}
    return condition


def to_expression(pattern: str) -> str:
    """Return `pattern` as regular expression.

    What stands between two ``*`` may always be taken where it is met first, so each is an atomic group: the time to
    match is bounded by the product of the lengths, whatever the pattern.
    """
    first, *others = re.split(r"\*+", pattern)
    if not others:
        return rf"\A{_literal(first)}\z"
    *between, last = others
    groups = "".join(rf"(?>.*?{_literal(part)})" for part in between)
    return rf"\A{_literal(first)}{groups}.*{_literal(last)}\z"


def _literal(text: str) -> str:
    """Return the expression for `text`, in which only ``?`` means something else than itself."""
    return "".join("." if character == "?" else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    """Return the expression for one character; MongoDB takes no NUL in an expression."""
    return r"\x{0}" if character == "\0" else re.escape(character)
