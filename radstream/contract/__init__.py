"""The nouns that services share: events, topics, blob keys, catalog documents, errors, UIDs. Imports nothing else."""
