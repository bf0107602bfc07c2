"""What was measured, as plain values: jobs, runs, where they come from, and the folder that keeps them."""
