"""Two plain ways to apply a degradation's draws; `gan-bench perf --degradation` loads it to measure ours against.

`ImageByImage` is what one would write with OpenCV and NumPy; `AsPublished` is the batched arithmetic of Real-ESRGAN's
training code: every kernel padded to one dense size, a dense 51x51 unsharp mask, `unique` and a Poisson draw per image.
Both take the operators' own kernels and the same drawn numbers, so the tests compare our pixels with theirs, too, where
no noise is drawn.
"""

import io

import cv2
import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

INTERPOLATION = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC,
                 "nearest": cv2.INTER_NEAREST}  # fmt: skip
LUMA = (0.2989, 0.587, 0.114)
BLURS = ("Blur", "GaussianBlur", "Sinc", "MotionBlur", "Defocus", "KernelBlur")


def kind(operator):
    return type(operator).__name__


def jpeg(pixels, quality):
    buffer = io.BytesIO()
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8).squeeze())
    image.save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.atleast_3d(np.asarray(Image.open(buffer))).astype(np.float32) / np.float32(255)


def resized_to(operator, current, drawn, lq_size):
    if kind(operator) == "ToSize":
        return lq_size
    base = lq_size if operator.of == "lq" else current
    return max(1, int(base[0] * drawn["factor"])), max(1, int(base[1] * drawn["factor"]))


class ImageByImage:
    """Image by image with OpenCV's and NumPy's own functions."""

    def __init__(self, degradation):
        self.degradation = degradation
        steps = getattr(degradation, "steps", None) or {"all": degradation}
        self.steps = {name: self.function(step) for name, step in steps.items()}

    def __call__(self, image, draw):
        lq_size = tuple(side // self.degradation.scale for side in image.shape[-2:])
        done = []
        for one, drawn in zip(image, draw, strict=True):
            pixels = np.ascontiguousarray(one.permute(1, 2, 0).numpy())
            for name, step in self.steps.items():
                pixels = np.atleast_3d(step(pixels, drawn.get(name, drawn), lq_size))
            done.append(torch.from_numpy(pixels.transpose(2, 0, 1)))
        return torch.stack(done).clamp(0, 1)

    def function(self, operator):
        name = kind(operator)
        work = self.blur if name in BLURS else getattr(self, name, None)
        if work is None:
            raise NotImplementedError(name)
        for inner in (*getattr(operator, "steps", {}).values(), *getattr(operator, "choices", {}).values()):
            self.function(inner)
        return lambda pixels, drawn, lq_size: work(operator, pixels, drawn, lq_size)

    def run(self, operator, pixels, drawn, lq_size):
        return np.atleast_3d(self.function(operator)(pixels, drawn, lq_size))

    def Chain(self, operator, pixels, drawn, lq_size):  # noqa: N802
        for name, step in operator.steps.items():
            pixels = self.run(step, pixels, drawn[name], lq_size)
        return pixels

    def Maybe(self, operator, pixels, drawn, lq_size):  # noqa: N802
        return pixels if drawn.get("skipped") else self.run(operator.step, pixels, drawn, lq_size)

    def OneOf(self, operator, pixels, drawn, lq_size):  # noqa: N802
        own = {name: value for name, value in drawn.items() if name != "is"}
        return self.run(operator.choices[drawn["is"]], pixels, own, lq_size)

    def Shuffle(self, operator, pixels, drawn, lq_size):  # noqa: N802
        for name in drawn["order"]:
            pixels = self.run(operator.steps[name], pixels, drawn[name], lq_size)
        return pixels

    def Resize(self, operator, pixels, drawn, lq_size):  # noqa: N802
        size = resized_to(operator, pixels.shape[:2], drawn, lq_size)
        return cv2.resize(pixels, size[::-1], interpolation=INTERPOLATION[drawn["mode"]])

    ToSize = Resize

    def blur(self, operator, pixels, drawn, lq_size):
        return cv2.filter2D(pixels, -1, operator.kernel(drawn)[::-1, ::-1], borderType=cv2.BORDER_REFLECT_101)

    def Sharpen(self, operator, pixels, drawn, lq_size):  # noqa: N802
        blurred = cv2.GaussianBlur(pixels, (operator.size, operator.size), operator.sigma)
        residual = pixels - blurred
        mask = (np.abs(residual) * 255 > operator.threshold).astype(np.float32)
        soft = np.atleast_3d(cv2.GaussianBlur(mask, (operator.size, operator.size), operator.sigma))
        sharp = np.clip(pixels + operator.weight * residual, 0, 1)
        return soft * sharp + (1 - soft) * pixels

    def GaussianNoise(self, operator, pixels, drawn, lq_size):  # noqa: N802
        shape = (*pixels.shape[:2], 1) if drawn.get("gray") else pixels.shape
        noise = np.random.default_rng(drawn["seed"]).normal(0, drawn["sigma"] / 255, shape)
        return np.clip(pixels + noise, 0, 1).astype(np.float32)

    def PoissonNoise(self, operator, pixels, drawn, lq_size):  # noqa: N802
        seen = np.clip(np.round(pixels * 255), 0, 255) / 255
        if drawn.get("gray") and pixels.shape[2] == 3:
            seen = np.clip(np.round((pixels @ np.float32(LUMA))[..., None] * 255), 0, 255) / 255
        values = 2 ** np.ceil(np.log2(len(np.unique(seen))))
        noise = np.random.default_rng(drawn["seed"]).poisson(seen * values) / values - seen
        return np.clip(pixels + noise * drawn["strength"], 0, 1).astype(np.float32)

    def JPEG(self, operator, pixels, drawn, lq_size):  # noqa: N802
        levels = (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)
        flags = [cv2.IMWRITE_JPEG_QUALITY, drawn["quality"]]
        decoded = cv2.imdecode(cv2.imencode(".jpg", levels[..., ::-1], flags)[1], cv2.IMREAD_UNCHANGED)
        return np.atleast_3d(decoded)[..., ::-1].astype(np.float32) / np.float32(255)

    def Round(self, operator, pixels, drawn, lq_size):  # noqa: N802
        return np.round(np.clip(pixels, 0, 1) * 255) / np.float32(255)


class AsPublished:
    """The published batch arithmetic, sample by sample where sizes differ; the JPEG codec is Pillow's."""

    def __init__(self, degradation):
        self.degradation, self.plain = degradation, ImageByImage(degradation)
        self.check(degradation)

    def check(self, operator):
        name = kind(operator)
        if name not in BLURS and not hasattr(self, name):
            raise NotImplementedError(name)
        for inner in (*getattr(operator, "steps", {}).values(), *getattr(operator, "choices", {}).values()):
            self.check(inner)

    def __call__(self, image, draw):
        lq_size = tuple(side // self.degradation.scale for side in image.shape[-2:])
        done = []
        if "sharpen" in getattr(self.degradation, "steps", {}):  # the whole batch at once, as published
            image = self.Sharpen(self.degradation.steps["sharpen"], image, None, lq_size)
        for one, drawn in zip(image.split(1), draw, strict=True):
            for name, step in (getattr(self.degradation, "steps", None) or {"all": self.degradation}).items():
                if name != "sharpen":
                    one = self.run(step, one, drawn.get(name, drawn), lq_size)
            done.append(one)
        return torch.cat(done).clamp(0, 1)

    def run(self, operator, image, drawn, lq_size):
        name = kind(operator)
        return (self.blur if name in BLURS else getattr(self, name))(operator, image, drawn, lq_size)

    Chain, Maybe, OneOf, Shuffle = ImageByImage.Chain, ImageByImage.Maybe, ImageByImage.OneOf, ImageByImage.Shuffle

    def Resize(self, operator, image, drawn, lq_size):  # noqa: N802
        size = resized_to(operator, image.shape[-2:], drawn, lq_size)
        return F.interpolate(image, size, mode=drawn["mode"])

    ToSize = Resize

    def filtered(self, image, kernel):
        pad = kernel.shape[-1] // 2
        padded = F.pad(image, (pad,) * 4, mode="reflect" if pad < min(image.shape[-2:]) else "replicate")
        channels = image.shape[1]
        return F.conv2d(padded, kernel.expand(channels, 1, *kernel.shape[-2:]), groups=channels)

    def blur(self, operator, image, drawn, lq_size):
        kernel = np.asarray(operator.kernel(drawn), np.float32)
        missing = max(0, 21 - kernel.shape[0]) // 2
        return self.filtered(image, torch.from_numpy(np.pad(kernel, missing)))

    def Sharpen(self, operator, image, drawn, lq_size):  # noqa: N802
        line = cv2.getGaussianKernel(operator.size, operator.sigma)
        kernel = torch.from_numpy((line @ line.T).astype(np.float32))
        residual = image - self.filtered(image, kernel)
        soft = self.filtered((residual.abs() * 255 > operator.threshold).float(), kernel)
        return soft * (image + operator.weight * residual).clamp(0, 1) + (1 - soft) * image

    def GaussianNoise(self, operator, image, drawn, lq_size):  # noqa: N802
        noise = torch.randn(1, 1 if drawn.get("gray") else image.shape[1], *image.shape[-2:])
        return (image + noise * drawn["sigma"] / 255).clamp(0, 1)

    def PoissonNoise(self, operator, image, drawn, lq_size):  # noqa: N802
        seen = (image * 255).round().clamp(0, 255) / 255
        if drawn.get("gray"):
            weights = torch.tensor(LUMA).reshape(1, 3, 1, 1)
            seen = ((image * weights).sum(1, keepdim=True) * 255).round().clamp(0, 255) / 255
        values = 2 ** np.ceil(np.log2(len(torch.unique(seen))))
        noise = torch.poisson(seen * values) / values - seen
        return (image + noise * drawn["strength"]).clamp(0, 1)

    def JPEG(self, operator, image, drawn, lq_size):  # noqa: N802
        return torch.from_numpy(jpeg(image[0].permute(1, 2, 0).numpy(), drawn["quality"]).transpose(2, 0, 1)[None])

    def Round(self, operator, image, drawn, lq_size):  # noqa: N802
        return (image.clamp(0, 1) * 255).round() / 255
