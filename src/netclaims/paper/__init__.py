"""The reports' own scale: its pipeline runs in a folder of its own, and its results are kept in `results/paper`."""
