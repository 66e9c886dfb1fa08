"""How long a document lives that nothing else would delete.

Such a document carries its end in the field `expires`. Firestore deletes it within a day or so after that
(firestore.indexes.json names the collections); its emulator and the in-memory store keep it. So nothing may rest on a
document's being gone, nor on its being there after its end: who reads one compares times itself.
"""

from datetime import UTC, datetime, timedelta

from firemesh.store.base import Fields

EXPIRES = "expires"


def expiring(fields: Fields, at_ms: int, *, days: int) -> Fields:
    """The fields with their end, so many days after `at_ms` of the store's clock.

    At 0, that is before the store has told its time, they get no end: too early an end would lose them.
    """
    if at_ms <= 0:
        return fields
    return {**fields, EXPIRES: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms, days=days)}


def without_end(fields: Fields) -> dict[str, object]:
    """The fields as they were before `expiring`."""
    return {name: value for name, value in fields.items() if name != EXPIRES}
