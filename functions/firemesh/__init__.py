"""Firemesh: a mesh of agents with no server of its own."""
