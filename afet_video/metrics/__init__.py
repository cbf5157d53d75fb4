"""How good a conversion is, as numbers: pure functions on arrays, each with its definition.

in: landmarks over time, pictures -> out: numbers.  Must not: read files, know settings, or judge.
"""
