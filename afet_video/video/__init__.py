"""Pixels in and out: the only part that uses PyAV.

in: video files -> out: frames with their own times, and video files.  Must not: know faces.
"""
