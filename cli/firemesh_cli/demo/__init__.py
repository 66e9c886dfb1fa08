"""The demo: a whole game of Mafia on a real mesh, through the death of its leader."""
