"""Where the face is: landmarks, track, pose, rest shape, neutral. Only `landmarker.py` and `hands.py` know
MediaPipe.
"""
