"""Long work in processes of its own: the queue, the folder protocol, and what a task knows of the world."""
