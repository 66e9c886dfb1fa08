"""The replicated machines: pure rules, without clock, chance, network or log."""
