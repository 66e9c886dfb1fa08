"""The consensus core: pure decisions, no clock, no randomness, no I/O.

A manager is a function from a state and an event to a state and effects. Whoever runs it (a process, a Cloud Function,
the simulation, the exhaustive explorer) keeps this contract:

    manager = Manager(me, inc, machine, setup, params)
    perform(manager.start())
    for event in events():                        # one at a time, in any order the world likes
        for effect in manager.step(event, at_ms): # at_ms: the runner's estimate of the store's clock
            match effect:
                Commit(proposal):   send it once, without retries; then exactly one of
                                    step(Committed(nonce, version, elapsed_ms)) or step(CommitUndecided(nonce, refused))
                CastVote(vote):     create the vote document; then step(VoteCast(term)), also when it existed already
                ReadHead():         strong read; then step(HeadRead(...)) or step(ReadFailed(effect))
                ReadElection(term): one consistent read of head and votes; then step(ElectionRead(...)) or ReadFailed
                ReadEntries(a, b):  then step(EntriesRead(...)) or ReadFailed
                ReadSnapshot(i):    then step(SnapshotRead(...)) or ReadFailed
                Arm(timer, ms):     replace the timer of that name; when it runs out step(TimerFired(timer))
                Disarm(timer):      forget the timer of that name
                ArmDeadline(ms):    replace the one alarm on the store's clock; then step(DeadlinePassed(ms))
                RoleChanged(...):   start (leader) or stop (not leader) listening to the inbox and to liveness

Persist before you publish: nothing a manager decides is visible to anybody before its commit has landed, because the
views are part of the same commit. One commit is in flight at a time. Every event may be late or repeated, and a sight of
the head or of the inbox may be lost; but a commit, a vote and a read are always answered. Safety rests on the
precondition of each commit alone; timers and clocks decide only when something is tried. See docs/protocol.md.
"""
