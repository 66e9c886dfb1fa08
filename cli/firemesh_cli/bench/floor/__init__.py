"""What Firemesh is compared with: the least that a client of Firestore can do, and what its SDK does."""
