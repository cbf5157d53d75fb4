"""Run afet-video from a clone without installing it: ``python cli.py convert ...``."""

from afet_video.cli import main

if __name__ == "__main__":
    main()
