"""What is trained: declarations of tasks, their data and their networks."""
