"""Figures of how fast and how dear Firemesh is, each with the command that gives it: one module per section.

A section is measured by one function and named in `firemesh_cli.bench.sections`; being there is enough to be shown, to be
in the JSON, and to be judged by its goal.
"""
