"""The log: `port` (what it promises), `loop` (the one consume loop), and its adapters."""
