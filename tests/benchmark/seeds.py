"""Results of several seeds on images with scores of their own, for the tests of boards and pages."""

import numpy as np

from gan_bench.benchmark import Result

FACTS = {
    "psnr": {"higher_is_better": True, "unit": "dB", "digits": 2, "margin": 0.05, "digest": "a" * 12},
    "lpips": {"higher_is_better": False, "unit": "", "digits": 4, "digest": "b" * 12},
}
QUICK = {"name": "quick", "steps": 400, "batch": 8, "patch": 96}


def result(label, images, seed=0, facts=FACTS, path=None, cost=None, provenance=None, **what):
    """A result of the given scores by metric, each a list over the images; seed None: nothing was trained."""
    trained = seed is not None
    names = [f"image{n:03}" for n in range(len(next(iter(images.values()))))]
    return Result(
        what={
            "label": label,
            "restorer": f"{label}_s{seed}" if trained else label,
            "model": label,
            "set": "photos",
            "degradation": {"name": "bicubic", "parameters": {"scale": 4}},
            "scale": 4,
            "protocol": {"name": "y", "border": "scale"},
            "metrics": list(images),
            "budget": QUICK if trained else None,
            "seed": seed,
            "recipe": f"recipe of {label}" if trained else None,
            "selection": "last" if trained else None,
            "checkpoint_sha256": f"{label}{seed}" if trained else None,
            "lq_sha256": "c" * 64,
            "code": "0.1.0",
        }
        | what,
        scores={name: float(np.mean(values)) for name, values in images.items()},
        images={name: {metric: float(values[n]) for metric, values in images.items()} for n, name in enumerate(names)},
        facts={name: facts[name] for name in images},
        cost=cost or {},
        provenance=provenance or {},
        path=path,
    )


def method(label, shift, images=20, seeds=3, noise=0.1, spread=0.02, **more):
    """The results of one method's seeds: `shift` dB over what is common to all methods."""
    rng = np.random.default_rng([images, *label.encode()])
    base = np.random.default_rng(images).normal(26, 3, images)
    scores = [base + shift + rng.normal(0, spread) + rng.normal(0, noise, images) for _ in range(seeds)]
    return [result(label, {"psnr": one, "lpips": 0.5 - one / 100}, seed, **more) for seed, one in enumerate(scores)]


def bicubic(images=20, **more):
    base = np.random.default_rng(images).normal(26, 3, images)
    return result("bicubic", {"psnr": base, "lpips": 0.5 - base / 100}, seed=None, **more)
