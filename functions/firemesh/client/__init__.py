"""Taking part in a mesh with an API key alone: admitted by the control plane, bound by the security rules."""
