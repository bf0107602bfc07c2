"""Who trains: this process, workers, JAX, a Ray cluster; on which device, how far it is, and what is kept at once."""
