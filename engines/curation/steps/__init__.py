"""Steps on the way from an original to a picture of a set: one file adds one."""
