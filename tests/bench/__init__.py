"""What the operator costs, and how fast it is, on a real API server against the simulator. Nothing is asserted here."""
