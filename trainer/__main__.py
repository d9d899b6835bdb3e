"""``python -m trainer``: what torchrun starts, as ``torchrun -m trainer -- fit …``."""

from trainer.cli import main

if __name__ == "__main__":
    main()
