"""The decisions, as pure functions over frozen values: no I/O, clock, randomness, logging or asyncio."""
