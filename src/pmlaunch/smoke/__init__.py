"""pmlaunch smoke: doctor, one short evaluation, and its figures compared with thresholds."""
