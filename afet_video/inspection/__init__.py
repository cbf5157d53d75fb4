"""What `convert` does to a clip, looked at: every stage of one frame, figures of every frame.

in: a video -> out: a contact sheet, a CSV, a recording for the rerun viewer.  Must not: compute a stage in a way of its
own: all of it is watched as the stages of `convert` run.
"""

from afet_video.inspection.run import InspectReport, inspect_clip

__all__ = ["InspectReport", "inspect_clip"]
