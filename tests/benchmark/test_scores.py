"""Which metric of a kind speaks for a table, in its answer as on its page."""

import json

import pages
import pytest

from gan_bench.benchmark.page.data import embedded
from gan_bench.benchmark.page.planes import quality_plane
from gan_bench.benchmark.scores import DISTORTION, PERCEPTION, foremost


@pytest.mark.parametrize(
    ("metrics", "kind", "order"),
    [
        (["niqe", "lpips_squeeze", "psnr", "lpips"], PERCEPTION, ["lpips", "lpips_squeeze", "niqe"]),
        (["niqe_mine", "niqe_photos", "niqe"], PERCEPTION, ["niqe", "niqe_mine", "niqe_photos"]),
        (["lpips_squeeze", "lpips_vgg", "lpips_other"], PERCEPTION, ["lpips_other", "lpips_vgg", "lpips_squeeze"]),
        (["ssim", "ms_ssim", "psnr", "psnr_y"], DISTORTION, ["psnr", "psnr_y", "ssim", "ms_ssim"]),
        (["consistency", "niqex", "fid"], PERCEPTION, []),
    ],
)
def test_the_foremost_comes_first_and_a_family_has_its_members(metrics, kind, order):
    assert foremost(metrics, kind) == foremost(metrics[::-1], kind) == order


def test_the_page_and_its_script_take_the_same_metrics():
    document = pages.document(tables=1, leave_out=["lpips"])
    [table] = document["tables"]
    [told] = json.loads(embedded(document))["tables"]
    names = [metric["name"] for metric in told["metrics"]]
    assert [names[place] for place in told["distortion"]] == ["psnr", "ssim"]
    assert [names[place] for place in told["perception"]] == ["lpips", "niqe"]
    assert quality_plane(table).title == "NIQE against PSNR"  # of two rows or more
