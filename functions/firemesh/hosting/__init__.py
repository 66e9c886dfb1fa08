"""Meshes without any process of their own: activations of the manager core, woken by the inbox and by a task queue."""
