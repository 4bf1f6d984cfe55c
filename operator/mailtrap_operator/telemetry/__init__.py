"""What the operator tells people and machines: Events, metrics, logs. Never a token value."""
