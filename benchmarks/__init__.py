"""How long training and Hessians take here and elsewhere: `python -m benchmarks`, from the root of the repository.

Every comparison sets netclaims beside other ways of doing the same work, on the same data, networks, batch sizes and
epochs. It writes `results.md`, the tables; `results.json`, every repeat; and `scaling.svg`, how cost grows.
"""
