"""A Kubernetes API server in memory: no I/O, no wall clock, no randomness, the same answers every time.

What it does, it does as the real server: one table of cases (`tests/contract/kubernetes`) runs against both. A request
for something that is not simulated raises `NotImplementedError`: server-side apply and JSON patches, Secrets of
the types `kubernetes.io/…` and `stringData`, deletions of whole lists or with another propagation policy than
Background, field selectors, label selectors other than equality, lists of a named version.

Left out without a word:
- CEL rules of the CRDs: what only they refuse is accepted.
- RBAC: everyone may do everything. Field managers: `metadata.managedFields` is not kept.
- Warnings, the bounds of a whole request and of a whole object, rate limits, the expiry of pages and of a watch's
  past (410).
- The words about what is invalid are our own; the causes name the real fields and reasons. Where the real server
  tells several causes of one fault (a fraction instead of a whole number, a wrong type where an enum or a list's item
  is expected) one is told.
- A quota counts what there is at this moment; the real one learns of deletions a little later.
- Namespaces such as `default` are there when someone has made them; Events live for ever.
- A namespace that is being deleted shows no conditions, and is emptied in one go, as garbage is collected in one go.
"""

from tests.simulation.kubernetes.admission import Denial, Mutation, Quota, Rules
from tests.simulation.kubernetes.server import Kubernetes

__all__ = ["Denial", "Kubernetes", "Mutation", "Quota", "Rules"]
