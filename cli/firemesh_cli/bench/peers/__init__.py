"""The mesh beside systems that people would use instead: who leads after a death, and how long a message takes.

One run measures all of them on one machine, one after the other: same ttl, same kill, same size and rate of messages. Every
system has a module with its `System` (how it is started) and what its clients do (`Elector`, `Courier`); `catalogue` names
them. Clients are processes of their own (`client`), driven by `failover` and `messages`.
"""
