from collections import Counter
from hashlib import sha256

from firemesh.game.chance import draw, shuffled


def test_the_same_seed_and_counter_give_the_same_number_for_ever() -> None:
    assert draw(42, 0, 1000) == int(sha256(b"42:0").hexdigest()[:32], 16) % 1000 == 969


def test_draws_are_spread_evenly() -> None:
    counts = Counter(draw(1, n, 5) for n in range(5000))
    assert set(counts) == set(range(5))
    assert min(counts.values()) > 900


def test_shuffling_keeps_the_items_and_uses_up_one_draw_less_than_it_has_items() -> None:
    deck, counter = shuffled(7, 3, range(10))
    assert sorted(deck) == list(range(10))
    assert counter == 12
    assert deck != tuple(range(10))
