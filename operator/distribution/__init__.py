"""Writes what users install from and nobody writes by hand: parts of the chart, and the manifests in `deploy/`.

It serves development alone. Tests compare what it would write with what is there.
"""
