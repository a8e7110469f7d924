"""Pictures with a scale in metres."""
