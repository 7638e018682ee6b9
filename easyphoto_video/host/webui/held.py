"""The checkpoint and the VAE that a session borrows: for all of its scenes, not for each anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from modules import shared

from easyphoto_video.host.webui import borrowed
from easyphoto_video.host.webui.checks import check_model


class HeldModel:
    """What a session's scenes share. The clip and the faces in it are scenes of their own, and
    weights that are given back between them would be read twice for each.
    """

    def __init__(self) -> None:
        self._job: ExitStack | None = None
        self._what: tuple[str, str] | None = None

    @contextmanager
    def job(self) -> Iterator[None]:
        """While it lasts, what is borrowed stays so; only while the host's queue is ours."""
        with ExitStack() as self._job:
            try:
                yield
            finally:
                self._give_back()
                self._job = None

    @contextmanager
    def of(self, info: Any, vae: str) -> Iterator[Any]:
        """The host's model of this CheckpointInfo with the VAE of that name.

        Outside a job it is given back at once. Raises BadFile for what is no SD 1.5.
        """
        if self._job is None:
            with _borrowed(info, vae) as model:
                yield model
            return
        what = (info.filename, vae)
        if self._what != what or not is_chosen():
            self._give_back()
            self._job.enter_context(_borrowed(info, vae))
            self._what = what
        yield shared.sd_model

    def _give_back(self) -> None:
        self._what = None
        if self._job is not None:
            self._job.close()


@contextmanager
def _borrowed(info: Any, vae: str) -> Iterator[Any]:
    with borrowed.checkpoint(info) as model:
        check_model(model)
        with borrowed.vae(vae):
            yield model


def is_chosen() -> bool:
    """Whether the host would go on with the model it has; the page lets people choose another."""
    return shared.opts.data.get(borrowed.CHOSEN) == shared.sd_model.sd_checkpoint_info.title
