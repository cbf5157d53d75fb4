"""The steps of a conversion, in the order in which they run: analyze, follow, prepare, render.

in: a video and settings -> out: what the next step needs.  Must not: parse arguments, print.
"""
