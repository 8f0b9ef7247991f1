"""Ways to generate images: one file each, ending with METHOD."""
