"""The programs. Each tells one story with the words of `radstream`; none imports another."""
