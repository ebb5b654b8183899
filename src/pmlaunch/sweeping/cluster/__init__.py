"""Sweeps on many machines with Dask.distributed. `distributed` is an extra, so only modules used by a cluster import it."""
