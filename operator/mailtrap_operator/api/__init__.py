"""The Kubernetes API of the operator: the models it parses with and the CRDs generated from them.

Nothing here talks to a server. The pure core imports these types.
"""
