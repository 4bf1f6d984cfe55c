"""A real Kubernetes control plane on loopback, for the demo and the tests.

It has etcd, kube-apiserver and kube-controller-manager, so objects behave as they do in any cluster.
Nodes are added where a test wants pods: a scheduler places these, and kwok plays the kubelets, so
that pods get ready and end; no container ever runs. Nothing here may listen on any other interface, and
nothing may outlive the process that started it unless asked to (`up`).
"""

from local_cluster.cluster import Cluster
from local_cluster.errors import ClusterError, HelmError, KubectlError
from local_cluster.helm import Helm

__all__ = ["Cluster", "ClusterError", "Helm", "HelmError", "KubectlError"]
