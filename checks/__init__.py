"""The rules, and nothing else: one module a subject."""
