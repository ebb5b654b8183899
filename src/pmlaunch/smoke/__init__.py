"""The CI test of a machine: doctor, one short evaluation, its figures against thresholds."""
