"""LivePortrait's networks in PyTorch, written from their description.

in: an `Architecture` -> out: modules whose parameters have the names and shapes of the published weights.
Must not: read files, know faces.  The only files of the package that import torch at their top.
"""
