"""The method: midline, alpha, mesh, texture, the splice kernel, ground truth. Pure arrays, no files, no models."""
