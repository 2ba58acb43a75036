"""The door in: C-STORE, STOW-RS and files all end in the one story of `accept`."""
