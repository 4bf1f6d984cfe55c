"""The Mailtrap operator: keeps one living Mailtrap API token in a Kubernetes Secret for each ApiToken."""
