"""The `firemesh` command: the local stack, agents in processes, the demo."""
