"""How far a long pass over images has come: a bar on a terminal, a line every five seconds in a log."""

import sys

import tqdm

SECONDS_BETWEEN_LINES = 5  # in a log; a terminal's bar moves ten times per second


class Progress(tqdm.tqdm):
    """Shows images done, images per second and the time left, on stdout; use it as tqdm, in a `with` block."""

    def __init__(self, label: str, total: int | None = None):
        on_terminal = sys.stdout.isatty()
        bar = "{bar} " if on_terminal else ""
        super().__init__(
            desc=label,
            total=total,
            unit=" images",
            file=sys.stdout,
            miniters=1,
            mininterval=0.1 if on_terminal else SECONDS_BETWEEN_LINES,
            dynamic_ncols=on_terminal,
            bar_format=f"{{desc}}: {bar}{{n_fmt}} of {{total_fmt}} images, {{rate_noinv_fmt}}, {{remaining}} left",
        )

    def update_share(self, share: float) -> None:
        """Adds one image where only the share of the work that is done is known, and estimates the total by it."""
        self.total = max(self.n + 1, round((self.n + 1) / share)) if share else None
        self.update()

    @staticmethod
    def status_printer(file):
        """Returns tqdm's function that draws over the last line, or in a log one that adds a line."""
        return tqdm.tqdm.status_printer(file) if file.isatty() else lambda line: line and print(line, flush=True)
