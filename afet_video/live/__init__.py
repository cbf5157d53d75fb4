"""Live preview: the stages of `convert` on a camera, causal, one frame after the other."""
