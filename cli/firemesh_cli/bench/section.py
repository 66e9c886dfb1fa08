"""What one benchmark has found."""

from collections.abc import Mapping
from dataclasses import dataclass

Figure = int | float | str


@dataclass(frozen=True, slots=True)
class Section:
    """A table: one row per thing measured, the same columns in each. `missed` says by which rows a goal was missed."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Figure, ...]]
    missed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The section as a JSON object."""
        rows = {name: dict(zip(self.columns, figures, strict=True)) for name, figures in self.rows.items()}
        return {"rows": rows, "missed": list(self.missed)}
