"""The catalog: `port` (what it promises), `filters` (the predicates) and its adapters."""
