"""Readers: one image file in, its pixels and allow-listed facts out, or a LabError that says why not."""
