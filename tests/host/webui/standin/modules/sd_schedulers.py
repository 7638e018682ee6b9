"""How the steps are spaced."""

from types import SimpleNamespace

schedulers = [
    SimpleNamespace(name=name, label=label, aliases=None)
    for name, label in (
        ("automatic", "Automatic"),
        ("uniform", "Uniform"),
        ("karras", "Karras"),
        ("sgm_uniform", "SGM Uniform"),
    )
]
