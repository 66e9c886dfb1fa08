"""The `firemesh` command: local stack, meshes and agents, the demo."""
