"""What a training run depends on: the flags of `depth_tf.train`."""

import dataclasses
import functools

from depth_tf import encoders, optimizers, schedules
from depth_tf.data import cache
from depth_tf.data.settings import DataSettings
from depth_tf.losses import PIXEL_LOSSES
from depth_tf.model import NETWORKS, NORMALIZATIONS
from depth_tf.runtime.errors import InputError
from depth_tf.runtime.program import option
from depth_tf.saved import BUNDLED
from depth_tf.training import distribute

# Images seen if --epochs is not given, to the nearest whole epoch and at least one: features that were learnt before
# need fewer. A network of another name takes what small does.
IMAGE_BUDGETS = {"small": 104_000, "encoder": 10_000}
UNUSED = {"small": ("encoder", "encoder_weights"), "encoder": ("width",)}  # flags that a network does not look at
_budgets = " or ".join(f"{name} about {images:,} images" for name, images in IMAGE_BUDGETS.items())
_data, _network, _training, _devices, _run = (  # where `--help` shows a flag
    functools.partial(option, group=group) for group in ("data", "network", "training", "devices", "run")
)


@dataclasses.dataclass(frozen=True)
class Settings(DataSettings):
    """What a training run depends on; each field is the flag of its name."""

    max_train_images: int = _data(0, "train on the first this many images; 0: all")
    with_rooms: bool = _data(False, "let every second image be a rendered room, of the size --rooms")
    cache: str = _data("auto", "where decoded images stay after the first epoch", choices=cache.CACHES)
    image_height_px: int = _network(192, "height the network sees, divisible by 32")
    image_width_px: int = _network(256, "width the network sees, divisible by 32")
    network: str = _network("small", "which network", choices=tuple(NETWORKS))
    width: int = _network(32, "channels of the first stage of --network=small, a multiple of 8", least=8)
    encoder: str = _network(encoders.LITE0, "encoder of --network=encoder: this one, or one of keras.applications")
    encoder_weights: str = _network("imagenet", "its weights: imagenet, none, or a file")
    normalization: str = _network("batch", "kind of normalisation layers", choices=NORMALIZATIONS)
    init_from: str | None = _network(
        None,
        f"start from this trained network, with its widths and range of depths: {', '.join(BUNDLED)}, or a .keras file",
    )
    optimizer: str = _training("adamw", "optimizer", choices=tuple(optimizers.OPTIMIZERS))
    schedule: str = _training("cosine", "learning-rate schedule", choices=schedules.SCHEDULES)
    learning_rate: float | None = _training(None, "peak rate; unset: the optimizer's own default")
    weight_decay: float | None = _training(None, "decoupled decay; unset: the optimizer's own default")
    epochs: int | None = _training(
        None, f"passes over the images; unset: as many as show {_budgets}, at least 1", least=1
    )
    steps_per_epoch: int | None = _training(
        None, "steps between two scores and saved states; unset: as many as see every training image", least=1
    )
    global_batch_size: int = _training(16, "images per step, over all devices of all machines", least=1)
    loss: str = _training("silog", "pixel loss; a gradient loss is added", choices=tuple(PIXEL_LOSSES))
    gradient_weight: float = _training(0.5, "weight of the gradient loss; 0: none")
    ema: bool = _training(False, "judge, keep and score a moving average of the weights")
    early_stopping: bool = _training(False, "stop when the hold-out's log10 stalls")
    reduce_lr_on_plateau: bool = _training(
        False, "cut the rate when the hold-out's log10 stalls; with --schedule=constant"
    )
    seed: int = _training(0, "seed of the weights, the order and the augmentation", least=0)
    strategy: str = _devices(
        "auto", "devices; auto: all GPUs of this machine, else its CPU", choices=distribute.STRATEGIES
    )
    tpu: str = _devices("", "name or address of the TPU, for --strategy=tpu")
    precision: str = _devices(
        "float32", "number format of the arithmetic; weights stay float32", choices=tuple(distribute.PRECISIONS)
    )
    deterministic: bool = _devices(True, "the same weights, bit for bit, every time")
    tensorboard: bool = _run(True, "write TensorBoard event files")
    panels: bool = _run(True, "draw predictions on the hold-out every few epochs")
    workdir: str | None = _run(None, "folder of the run; unset: runs/<time>-<dataset>-<optimizer>")

    def __post_init__(self):
        super().__post_init__()
        if self.width % 8:
            raise InputError(f"expected --width in multiples of 8, got {self.width}")
        schedules.check_plateau(self.schedule, reduce_lr_on_plateau=self.reduce_lr_on_plateau)
        needing = {"early_stopping": self.early_stopping, "reduce_lr_on_plateau": self.reduce_lr_on_plateau}
        for flag, wanted in (needing | {"schedule=plateau": self.schedule == "plateau"}).items():
            if wanted and not self.validation_fraction:
                raise InputError(f"--{flag} needs a hold-out to judge by: expected --validation_fraction above 0")
        if self.workdir and "://" in self.workdir:
            raise InputError(
                f"--workdir={self.workdir} is not a folder: runs rename files into place, which object stores cannot; "
                "mount the bucket (gcsfuse, s3fs), or copy the run there when it is finished"
            )
        self._check_network()
        if self.strategy == "multi_worker":
            self._check_many_machines()
        elif self.tpu and self.strategy != "tpu":
            raise InputError(f"--tpu={self.tpu} needs --strategy=tpu, got --strategy={self.strategy}")

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width that the network sees."""
        return self.image_height_px, self.image_width_px

    @property
    def peak_learning_rate(self) -> float:
        """`--learning_rate`, or the optimizer's own default."""
        given = self.learning_rate
        return optimizers.recipe(self.optimizer).learning_rate if given is None else given

    @property
    def optimizer_options(self) -> dict[str, float | bool | None]:
        """What `optimizers.build_optimizer` takes besides the name and the rate."""
        return {"weight_decay": self.weight_decay, "ema": self.ema}

    def _check_network(self):
        """Raises InputError where a flag of the network would be without effect."""
        if self.init_from:
            why = "--init_from brings its own network"
            unused = ["network", "precision", "width", "encoder", "encoder_weights"]
            if self.strategy != "multi_worker":  # which asks for group normalisation, and checks what the file has
                unused.append("normalization")
        else:
            why = f"--network={self.network} does not look at it"
            unused = UNUSED.get(self.network, ())
        for name in unused:
            if getattr(self, name) != getattr(Settings, name):
                raise InputError(f"{why}: expected no --{name}")

    def _check_many_machines(self):
        if self.dataset == "auto":
            raise InputError("--dataset=auto may choose differently on each machine: with multi_worker, name one")
        if not self.workdir:
            raise InputError("--strategy=multi_worker needs --workdir, a folder that all machines share")
        if self.normalization == "batch":
            raise InputError(
                "--strategy=multi_worker needs --normalization=group: batch statistics would differ by device"
            )
        if not self.deterministic:
            raise InputError("--strategy=multi_worker needs one order that all workers know: expected --deterministic")
