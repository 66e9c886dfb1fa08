"""Firestore itself behind the store port. Nothing of the program outside this package knows gRPC or the vendor's libraries."""

from firemesh.store.firestore.channel import TokenSource
from firemesh.store.firestore.store import FirestoreStore, connect

__all__ = ["FirestoreStore", "TokenSource", "connect"]
