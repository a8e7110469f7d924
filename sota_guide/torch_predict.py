"""Predicts the depth of a folder of images in PyTorch, as files that depth_tf.evaluate scores.

    python -m sota_guide.torch_predict --images=images/ --output=depths/
    python -m depth_tf.evaluate --data_dir=DIR --predictions=depths/ --prediction_kind=inverse_depth --protocol=aligned

Writes NAME.npy, float32 [H, W], for every NAME.png or .jpg. Runs in the environment of requirements-torch.txt, which
needs neither TensorFlow nor Keras.
"""

import dataclasses
import importlib
import pathlib

from PIL import Image

from depth_tf.data import photos
from depth_tf.runtime import atomic_files, program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say

MODEL = "depth-anything/Depth-Anything-V2-Small-hf"  # Apache-2.0, relative inverse depth
INSTALL = "pip install -r sota_guide/requirements-torch.txt"


@dataclasses.dataclass(frozen=True)
class Settings(program.CheckedSettings):
    """What to predict, and with what; each field is the flag of its name."""

    images: str | None = option(None, "a photograph, or a folder of them", required=True)
    output: str = option("depths", "folder to write to, new or empty")
    model: str = option(MODEL, "Hugging Face repository of a depth network, or the folder of one")


def main(settings: Settings) -> None:
    """Loads the network and writes the depth of every image."""
    names = photos.find_photographs(settings.images, flag="images")
    output = pathlib.Path(settings.output)
    if output.exists() and any(output.iterdir()):
        raise InputError(f"--output={output} is not empty: name a new folder")
    torch, processor, network = _load(settings.model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device).eval()
    kind = "depth_m" if getattr(network.config, "depth_estimation_type", None) == "metric" else "inverse_depth"
    say(f"{settings.model}: {sum(weight.numel() for weight in network.parameters()):,} parameters on {device}")

    def work(file: pathlib.Path) -> str:
        image = photos.read_image(file)
        with torch.inference_mode():
            predicted = network(**processor(images=Image.fromarray(image), return_tensors="pt").to(device))
        (depth,) = processor.post_process_depth_estimation(predicted, target_sizes=[image.shape[:2]])
        depth = depth["predicted_depth"].float().cpu().numpy()
        atomic_files.write_array(output / f"{names[file]}.npy", depth)
        return f"{depth.min():.2f} to {depth.max():.2f}"

    say(f"writing {output}/*.npy: score them with --prediction_kind={kind}")
    program.for_each(names, work)


def _load(model: str):
    try:
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise InputError(f"{error.name or 'PyTorch'} cannot be imported: {INSTALL}") from error
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(model)
        return torch, processor, transformers.AutoModelForDepthEstimation.from_pretrained(model)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:160]
        raise InputError(
            f"{model} cannot be loaded ({reason}): check the connection and the name, or download the repository's "
            "folder elsewhere and give --model=FOLDER"
        ) from error


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
