"""Ways to hand an image set on: each file is one format."""
