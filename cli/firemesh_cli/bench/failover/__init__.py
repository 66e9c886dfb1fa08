"""How long a mesh is without a leader: three real processes on the emulator, struck by real signals."""
