"""Quality of synthetic images against real ones; every number with its interval, sizes and baseline."""
