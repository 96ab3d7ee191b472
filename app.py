"""The web app: `python app.py` serves it on http://127.0.0.1:7860; a Space runs this file too."""

from cifar.ui import build, launch

demo = build()

if __name__ == "__main__":
    launch(demo)
