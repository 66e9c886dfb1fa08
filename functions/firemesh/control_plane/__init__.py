"""How a mesh is operated from outside: identities, permissions, audit, and the use cases behind every interface."""
