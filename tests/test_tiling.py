"""Windows against the whole, for functions that see one pixel, a neighbourhood, or more than is shared."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gan_bench.tiling import tiled


def enlarge(image):
    return functional.interpolate(image, scale_factor=3, mode="nearest")


def blur(radius):
    weight = torch.rand(2, 3, 2 * radius + 1, 2 * radius + 1, generator=torch.Generator().manual_seed(0))
    return lambda image: functional.conv2d(image, weight / weight.sum((1, 2, 3), keepdim=True), padding=radius)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(2, 24), st.data())
def test_pointwise_functions_see_no_windows(height, width, tile, data):
    overlap = data.draw(st.integers(0, tile // 2))
    image = torch.rand(2, 3, height, width)
    torch.testing.assert_close(tiled(enlarge, image, 3, tile, overlap), enlarge(image), atol=1e-6, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 3), st.integers(0, 12))
def test_neighbourhoods_within_a_quarter_of_the_overlap_see_no_windows(height, width, radius, more):
    function, image = blur(radius), torch.rand(1, 3, height, width)
    result = tiled(function, image, 1, 8 * radius + more, 4 * radius)
    torch.testing.assert_close(result, function(image), atol=1e-6, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 3), st.integers(1, 12), st.integers(0, 5))
def test_neighbourhoods_within_the_guard_see_no_windows_however_much_these_share(height, width, radius, core, fade):
    """From nothing to fade, to pixels that lie in many windows."""
    function, image, overlap = blur(radius), torch.rand(1, 3, height, width), 2 * radius + fade
    result = tiled(function, image, 1, overlap + core, overlap, guard=radius)
    torch.testing.assert_close(result, function(image), atol=1e-6, rtol=0)


def test_one_window_is_the_function_itself():
    image = torch.rand(1, 3, 20, 30)
    assert torch.equal(tiled(blur(2), image, 1, 30, 8), blur(2)(image))


def test_seams_are_faded():
    """Each window adds a level of its own: the blend must climb without a step."""
    levels = iter(range(10))
    result = tiled(lambda window: torch.full_like(window, float(next(levels))), torch.zeros(1, 1, 8, 56), 1, 32, 16)
    steps = result[0, 0, 0].diff()
    assert (steps >= 0).all()
    assert 0 < steps.max() < 0.25
    assert result[0, 0, 0, [0, -1]].tolist() == [0, 2]


def test_all_windows_have_one_size_and_progress_is_told():
    sizes, told = set(), []

    def function(window):
        sizes.add(tuple(window.shape[-2:]))
        return window

    tiled(function, torch.rand(1, 1, 37, 90), 1, 16, 4, lambda done, total: told.append((done, total)))
    assert sizes == {(16, 16)}
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]


def test_half_precision_windows_are_blended_in_single():
    result = tiled(lambda window: torch.ones_like(window).bfloat16(), torch.rand(1, 3, 40, 40), 1, 16, 8)
    torch.testing.assert_close(result, torch.ones(1, 3, 40, 40), atol=1e-6, rtol=0)


def test_no_gradients_are_kept():
    image = torch.rand(1, 3, 20, 20, requires_grad=True)
    assert not tiled(blur(1), image, 1, 8, 4).requires_grad


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0), (8, 8), (8, -1)])
def test_overlap_out_of_range_is_refused(tile, overlap):
    with pytest.raises(ValueError, match="overlap"):
        tiled(enlarge, torch.rand(1, 3, 9, 9), 3, tile, overlap)


@pytest.mark.parametrize("guard", [-1, 3])
def test_guard_out_of_range_is_refused(guard):
    with pytest.raises(ValueError, match="guard"):
        tiled(enlarge, torch.rand(1, 3, 9, 9), 3, 8, 5, guard=guard)


def test_wrong_scale_is_refused():
    with pytest.raises(ValueError, match="wrong scale 2"):
        tiled(enlarge, torch.rand(1, 3, 9, 9), 2, 4, 0)
