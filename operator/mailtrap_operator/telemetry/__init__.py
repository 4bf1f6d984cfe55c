"""What the operator reports: Events, metrics, logs. Never a token value."""
