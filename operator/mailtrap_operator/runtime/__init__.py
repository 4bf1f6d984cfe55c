"""What keeps the process going: queue, store, health, shutdown. Nothing here knows the protocol."""
