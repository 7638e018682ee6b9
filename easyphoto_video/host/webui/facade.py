"""The facade of a host: one file for each kind of WebUI says what differs between them.

What they have alike is in common.py. A new kind is a class with the calls of Body and a line in
`here`; nothing else in this folder asks which host it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, device, dtype, nn

from easyphoto_video.clip import Frames

if TYPE_CHECKING:
    from easyphoto_video.host.webui.windowed import ClipPlan
    from easyphoto_video.motion.fading import Change


class Body(Protocol):
    """What differs between hosts. Models, runs, samplers and the entries of checkpoints are the
    host's own objects. A part that the host lacks raises Missing when it is used."""

    # Files

    @property
    def folders(self) -> Mapping[str, str]:
        """Where the host looks for a `checkpoint` and for a `vae`."""
        ...

    def checkpoint_files(self) -> list[str]:
        """The checkpoints that the host could list, looked up anew."""
        ...

    def listed_checkpoints(self) -> list[Any]:
        """The entries of its list as it is."""
        ...

    def checkpoint_entry(self, file: str) -> Any:
        """An entry for a file, which the host does not list by that."""
        ...

    def selected(self) -> Any:
        """The entry that it would load. Raises FileNotFoundError when there is none."""
        ...

    def pickled(self, path: Path) -> Mapping[str, Any]:
        """The tensors of a pickled file on the CPU, read with the host's own checks."""
        ...

    def lora_networks(self) -> Any:
        """The module of its LoRA extension. Raises Missing when that is switched off."""
        ...

    def loaded_loras(self) -> list[str]:
        """The names of the LoRAs that are active (see `activate`)."""
        ...

    def lora_changes(self, unet: nn.Module, name: str, weight: float) -> dict[nn.Module, Change]:
        """What an active LoRA changes in each layer of the UNet at a weight. Raises BadFile where
        it does not fit."""
        ...

    # The model

    def networks(self, model: Any) -> nn.Module:
        """Everything that computes in it."""
        ...

    def loaded(self) -> Any:
        """The model that is loaded, None without; loads nothing."""
        ...

    def model(self) -> Any:
        """The model, loaded when none is."""
        ...

    def unet(self, model: Any) -> nn.Module:
        """The UNet that it samples with."""
        ...

    def check_unet(self) -> None:
        """Raise BadRequest when something else stands in for its UNet."""
        ...

    def is_chosen(self) -> bool:
        """Whether it would go on with the model it has; its page lets people choose another."""
        ...

    def checkpoint(self, info: Any) -> AbstractContextManager[Any]:
        """The model of this entry; the one before comes back after.

        One that the host does not list is listed for as long as it is in use. A host that had no
        checkpoint at all keeps it, having nothing to go back to.
        """
        ...

    def list_again(self, model: Any) -> None:
        """The host finds a checkpoint that is in use, also when it has made its list anew since.

        It would go on with the first of the list instead.
        """
        ...

    def vae(self, name: str | None) -> AbstractContextManager[None]:
        """The VAE of that name, None the checkpoint's own. Raises Missing."""
        ...

    def encode(self, model: Any, frame: Frames) -> Tensor:
        """(H, W, 3) uint8 RGB -> (1, C, h, w): the mean, scaled for the UNet."""
        ...

    def decode(self, model: Any, latent: Tensor) -> Tensor:
        """(1, C, h, w) -> (3, H, W) in -1..1, on the CPU."""
        ...

    def shares(self, model: Any) -> Tensor:
        """(1000,) alphas_cumprod that it samples by now."""
        ...

    def schedule(self, model: Any, shares: Tensor) -> AbstractContextManager[None]:
        """It samples by these alphas_cumprod (1000,), by its own again after."""
        ...

    @property
    def device(self) -> device:
        """Where it computes."""
        ...

    @property
    def unet_type(self) -> dtype:
        """In which precision its UNet computes."""
        ...

    # Prompts

    def parse(self, prompt: str) -> tuple[str, Mapping[str, Sequence[Any]]]:
        """The prompt without its tags, and what these name by their kind."""
        ...

    def parts(self, text: str) -> int:
        """How many conditions AND joins in it."""
        ...

    @property
    def conditions(self) -> Any:
        """Where its classes of conditions are, by A1111's names."""
        ...

    def empty(self, model: Any) -> Tensor:
        """(1, 77, width): the condition of an empty prompt."""
        ...

    # The run

    @property
    def run_class(self) -> Any:
        """Its run of txt2img, to be subclassed."""
        ...

    def samplers(self) -> Mapping[str, Any]:
        """All of its samplers by name."""
        ...

    def shown_samplers(self) -> list[str]:
        """The names that its user wants to see."""
        ...

    def schedules(self) -> Sequence[Any]:
        """How steps can be spaced: with `name`, `label` and `aliases`."""
        ...

    def process(self, run: Any) -> None:
        """All that it does for a run."""
        ...

    def activate(self, run: Any, networks: Mapping[str, Any]) -> None:
        """These networks (see `parse`) and no others are in its models from the next call on."""
        ...

    def sampler(self, run: Any, plan: Callable[[Any], ClipPlan]) -> Any:
        """A sampler for the run; its calls of the UNet go by what `plan` makes for it."""
        ...

    def foretells_noise(self, sampler: Any) -> bool:
        """Whether what passes through a plan is noise, and the times those of the diffusion;
        else it is the picture, by its sigma."""
        ...

    def specks(self, frames: int) -> Any:
        """What a run's `sample` gives back instead of pictures."""
        ...

    def randomness(self) -> AbstractContextManager[None]:
        """What a sampler leaves in its libraries is taken out again."""
        ...

    def look(self, most: int) -> Frames | None:
        """At most so many frames as they look so far, drawn the way that its preview is set to."""
        ...


@cache
def here() -> Body:
    """The facade of the host that we are in."""
    from easyphoto_video.host.webui.a1111 import A1111

    return A1111()
