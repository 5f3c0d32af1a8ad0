"""What the trainings by hand share."""

import pytest
import torch


@pytest.fixture
def double():
    """In float32 the biases before a norm, whose gradient is zero, would learn from rounding errors."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
