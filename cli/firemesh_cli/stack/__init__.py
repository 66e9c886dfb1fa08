"""The local stack: the Firebase emulators as one supervised unit.

`supervisor.LocalStack` starts and ends them. `locate` finds what the machine has; it and `checks` use the standard
library alone, because the bootstrap runs them before anything is installed.
"""
