"""The pure language: from a step to a value."""
