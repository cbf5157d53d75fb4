"""Is this machine ready, and may all of it be used together?

in: the machine, the installed packages -> out: findings, licences.  Must not: change, install or fetch anything.
"""

from afet_video.doctor.finding import Finding, State
from afet_video.doctor.licences import Licence, licences
from afet_video.doctor.run import examine

__all__ = ["Finding", "Licence", "State", "examine", "licences"]
