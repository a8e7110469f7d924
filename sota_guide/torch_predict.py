"""Predicts the depth of photographs in PyTorch, as files that depth_tf.evaluate scores.

    python -m sota_guide.torch_predict --input=images/ --output_dir=depths/
    python -m depth_tf.evaluate --data_dir=DIR --predictions=depths/ --prediction_kind=inverse_depth --protocol=aligned

Runs in the environment of requirements-torch.txt, which needs neither TensorFlow nor Keras.
"""

import dataclasses
import importlib

import numpy as np
from PIL import Image

from depth_tf.runtime import program
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option, say
from sota_guide import photographs, presets

MODEL = "depth-anything/Depth-Anything-V2-Small-hf"  # Apache-2.0, relative inverse depth
INSTALL = "pip install -r sota_guide/requirements-torch.txt"


@dataclasses.dataclass(frozen=True)
class Settings(photographs.Settings):
    """What to predict, and with what; each field is the flag of its name."""

    model: str = option(MODEL, "Hugging Face repository of a depth network, or the folder of one")


def main(settings: Settings) -> None:
    """Loads the network and writes the depth of every photograph."""
    settings.names()
    torch, processor, network = _load(settings.model)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device).eval()
    kind = "depth_m" if getattr(network.config, "depth_estimation_type", None) == "metric" else "inverse_depth"
    say(f"{settings.model}: {sum(weight.numel() for weight in network.parameters()):,} parameters on {device}")

    def predict(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            predicted = network(**processor(images=Image.fromarray(image), return_tensors="pt").to(device))
        (depth,) = processor.post_process_depth_estimation(predicted, target_sizes=[image.shape[:2]])
        return depth["predicted_depth"].float().cpu().numpy()

    photographs.predict_each(settings, predict, kind)


def _load(model: str):
    try:
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise InputError(f"{error.name or 'PyTorch'} cannot be imported: {INSTALL}") from error
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(model)
        return torch, processor, transformers.AutoModelForDepthEstimation.from_pretrained(model)
    except (OSError, ValueError) as error:
        told = f"{model} cannot be loaded ({presets.first_line(error)}): check the connection and the name"
        raise InputError(f"{told}, or download the repository's folder elsewhere and give --model=FOLDER") from error


if __name__ == "__main__":
    program.run(main, Settings, tensorflow=False)
