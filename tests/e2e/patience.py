"""How long a test waits before it gives up. Nothing is asserted of time: the bound only ends a failure."""

PATIENCE = 600
"""Seconds: more than the longest pause that the operator makes between two tries."""
