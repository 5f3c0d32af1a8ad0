"""The leaderboard as one self-contained HTML page: a pure function of its document, without network or clock."""

from gan_bench.benchmark.page.fitting import LIMIT, render

__all__ = ["LIMIT", "render"]
