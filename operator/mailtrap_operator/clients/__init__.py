"""Everything that talks to a server. No exception of httpx, aiohttp or kubernetes passes beyond this package."""
