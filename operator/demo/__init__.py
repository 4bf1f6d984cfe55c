"""The product on this machine: a real API server, a simulator of Mailtrap, the operator, and a story that they play.

The operator is used as its users use it: as a process, through kubectl and with the tokens it issues.
"""
