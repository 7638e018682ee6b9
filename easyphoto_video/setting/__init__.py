"""What a field of a request says of itself, once, for every surface that shows it.

The form, the API's schema, the command line, the infotext and the checks all read these. A kind of
setting is one class, see kind.py.
"""

from easyphoto_video.setting.declaration import declared, settings
from easyphoto_video.setting.file import FILM, FOLDER, PICTURE, SOUND
from easyphoto_video.setting.kind import Kind, Setting
from easyphoto_video.setting.over_frames import CurveOverFrames, PromptOverFrames
from easyphoto_video.setting.person import PEOPLE, PERSON
from easyphoto_video.setting.text import Choice, Text

__all__ = [
    "FILM",
    "FOLDER",
    "PEOPLE",
    "PERSON",
    "PICTURE",
    "SOUND",
    "Choice",
    "CurveOverFrames",
    "Kind",
    "PromptOverFrames",
    "Setting",
    "Text",
    "declared",
    "settings",
]
