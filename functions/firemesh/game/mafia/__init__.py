"""Mafia as a replicated machine: the leader of the mesh is its moderator, and a failover changes nothing a player sees.

The way of one command: `machine` takes it, `commands` obeys or refuses, `phases` moves the game on, `night`, `ballots`
and `victory` settle what a phase decided, `views` shows each audience its own part. Roles are files in `roles`.
Players that need no human are in `scripted`; `offline` plays whole games without a mesh.
"""
