"""The Mailtrap token API as a real HTTP server, for tests and the demo; as unkind as the real one.

The core (`simulator`, `server`, `account`, …) holds state and rules and does no I/O: time is an argument, randomness is
handed in. `web` is the only module that knows HTTP. Nothing here may be imported by the operator, or import from it.
"""
