"""What hands do in the page, and what eyes look for."""

from __future__ import annotations

from typing import Any

from tests.machine import limit

ID = "#easyphoto_video_"
PATIENCE = limit(120) * 1000
"""Milliseconds after which it hangs."""
PLAYS = """source => {
    const film = document.querySelector('#easyphoto_video_film video');
    return film && film.readyState >= 2 && film.videoWidth > 0 && film.currentSrc !== source
        && film.currentSrc;
}"""
INPUT = "textarea, input[type=number], input"


def show(page: Any, tab: str) -> None:
    """Choose a sub-tab."""
    buttons = f"{ID}modes button[role=tab], {ID}modes .tab-nav > button"
    page.locator(buttons, has_text=tab).first.click()


def open_part(page: Any, within: str, *labels: str) -> None:
    """Open accordions of a sub-tab."""
    for label in labels:
        page.locator(f"{ID}{within} .label-wrap", has_text=label).first.click()


def fill(page: Any, mode: str, **values: object) -> None:
    """Write into fields of a mode's form."""
    for name, value in values.items():
        page.locator(f"{ID}{mode}_{name}").locator(INPUT).first.fill(str(value))
    page.keyboard.press("Tab")


def choose(page: Any, mode: str, name: str, choice: str) -> None:
    """Choose from a list of a mode's form; older pages take what is typed only with Enter."""
    field = page.locator(f"{ID}{mode}_{name} input").first
    field.fill(choice)
    field.press("Enter")
    page.keyboard.press("Tab")
    assert held(page, mode, name) == choice


def held(page: Any, mode: str, name: str) -> str:
    """What a field of a mode's form says."""
    return page.locator(f"{ID}{mode}_{name}").locator(INPUT).first.input_value()


def playing(page: Any, not_source: str = "", patience: float = PATIENCE) -> str:
    """Wait for a clip that plays, `patience` ms at most; returns its address."""
    return page.wait_for_function(PLAYS, arg=not_source, timeout=patience).json_value()


def line(page: Any, words: str) -> str:
    """Wait for words beside the bar; returns all that is there."""
    found = page.locator(f"{ID}progress .easyphoto_video_line", has_text=words).first
    found.wait_for()
    return found.text_content()
