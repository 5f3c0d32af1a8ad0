"""`gan-bench verify`: a result's sums against its images, then the result against its weights and inputs.

`command` asks for both levels and says what was found; `rebuilt` makes test set and restorer again and compares what
the file says of them, `stamped` its suite; `rescored` restores, and compares the numbers. Level 1 is
`benchmark/sums.py`.
"""

from gan_bench.verify.command import Report, verify

__all__ = ["Report", "verify"]
