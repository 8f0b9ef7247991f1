"""Layouts: how a published or home-made collection lies on the disk, and what its names and tables say."""
