"""The blob store: `port` (what it promises) and its adapters."""
