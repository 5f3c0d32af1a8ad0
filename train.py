"""Train and judge a model, or sweep over many: `python train.py model=esrgan`; the same as `gan-bench train`."""

import sys

from gan_bench.cli import train

if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
