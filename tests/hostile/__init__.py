"""Files that a program meets in the wild, and what convert makes of them.

in: nothing -> out: a corpus made on the fly, a runner with limits, a table.  Must not: keep a file that was recorded.
"""
