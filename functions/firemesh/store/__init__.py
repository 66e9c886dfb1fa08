"""The store edge: documents with atomic conditional commits, strong reads and listeners."""
