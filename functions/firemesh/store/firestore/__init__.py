"""Firestore itself behind the store port. Nothing outside this package imports the vendor's SDK."""

from firemesh.store.firestore.channel import TokenSource
from firemesh.store.firestore.store import FirestoreStore, connect

__all__ = ["FirestoreStore", "TokenSource", "connect"]
