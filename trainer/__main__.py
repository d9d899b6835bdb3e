"""``python -m trainer``: what torchrun starts."""

from trainer.cli import main

if __name__ == "__main__":
    main()
