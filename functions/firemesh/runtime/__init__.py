"""The shell: runs the pure core and the agents in a process, over a store."""
