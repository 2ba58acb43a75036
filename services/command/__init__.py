"""The command `radstream`: composes the other services, and the tools of an operator."""
