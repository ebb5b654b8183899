"""pmlaunch smoke: doctor, one short evaluation, and its metrics compared with thresholds."""
