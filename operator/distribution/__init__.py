"""Writes what no one writes by hand: parts of the chart, the manifests in `deploy/`, and the reference in `docs/`.

It serves development alone. Tests compare what it would write with what is there.
"""
