"""Other libraries' schedulers by their own names and arguments: read into our schedules, and written as their code."""
