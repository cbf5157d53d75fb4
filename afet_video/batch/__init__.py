"""Many videos into a data set: jobs, the engines that run them, a journal, and the folder that comes out.

in: videos or a manifest, settings -> out: a data set.  Must not: change how one video is converted.
"""

from __future__ import annotations

from afet_video.batch.job import JobResult
from afet_video.batch.run import BatchReport, make_batch
from afet_video.batch.settings import BatchSettings

__all__ = ["BatchReport", "BatchSettings", "JobResult", "make_batch"]
