"""The face pass: everybody's face is followed, redrawn where it is, and blended in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, Start
from easyphoto_video.faces.cast import Cast
from easyphoto_video.faces.cutout import Cutout, Place, cut_out, put_back
from easyphoto_video.film import Film
from easyphoto_video.judging import Role, roles
from easyphoto_video.kit import Making
from easyphoto_video.rendering import Strip
from easyphoto_video.request import Sampled
from easyphoto_video.spans import Span, leaning, spans
from easyphoto_video.watch import Share, Within

RAW = "raw"
"""Names of files with what was rendered, before it is blended: the next span leans on it."""


@dataclass(frozen=True, kw_only=True)
class Redraw:
    """One person's face through a film."""

    film: Film
    job: Sampled
    role: Role
    cast: Cast
    place: Place
    part: str
    """Names of the files that hold what is done."""


def with_faces(
    film: Film, job: Sampled, cast: Cast, making: Making
) -> tuple[Film, list[Role], tuple[str, ...]]:
    """Follow everybody, choose whose face becomes whose, redraw it where it is.

    The film, who was found, and what there is to say. A frame without the face stays as it was.
    """
    found, notes = roles(film.frames(), job, cast, making.watch, film.count)
    if not job.face_pass:
        return film, found, notes
    for number, role in enumerate(found):
        redraw = Redraw(
            film=film,
            job=job,
            role=role,
            cast=cast,
            place=Place.of(role.track, job, film.allowed),
            part=f"face{number}",
        )
        film = redrawn(redraw, making)
    return film, found, notes


def redrawn(redraw: Redraw, making: Making) -> Film:
    """The film with the face redrawn, stretch by stretch and span by span."""
    job, work, strips = redraw.job, making.work, []
    for rows in redraw.role.track.stretches():
        cut = spans(range(rows.start, rows.stop), job.span, job.span_overlap)
        strips.append(Strip(work, redraw.part, cut))
    total = sum(len(strip.spans) for strip in strips)
    done = 0
    for strip in strips:
        for span in strip.spans:
            if not work.has(strip.name(span)):
                part = making.watched(Share(done, total, making.watch))
                _redraw_span(redraw, strip, span, part)
            done += 1
    return _patched(redraw, strips)


def _redraw_span(redraw: Redraw, strip: Strip, span: Span, making: Making) -> None:
    """Cut out, fuse, render anew, and all that is done to the pictures before they go back."""
    job, cast, rows, watch = redraw.job, redraw.cast, span.rows, making.watch
    watch("cutting out", 0.0)
    frames = redraw.film.frames(rows.start, rows.stop)
    face = cut_out(frames, redraw.place, rows, redraw.role.person)
    pictures = face.fused(face.pictures, job.fusion_before, job.color_match)
    strengths = job.over_frames("face_schedule", rows) or job.face_strength
    if strengths != 0:
        pictures = _rendered(redraw, face, pictures, strip, span, making)
    watch("blending", 0.0)
    pictures = face.matched(pictures, job.color_match)
    pictures = face.fused(pictures, job.fusion_after, job.color_match)
    pictures = face.retouched(pictures, job.skin_retouch)
    pictures = face.restored(pictures, cast.restorer, job.restore_weight)
    strip.work.keep(strip.name(span), pictures[span.new])
    watch("blending", 1.0)


def _rendered(
    redraw: Redraw, face: Cutout, pictures: Frames, strip: Strip, span: Span, making: Making
) -> Frames:
    """The face's pictures as the person's LoRA draws them."""
    job, rows, raw = redraw.job, span.rows, replace(strip, part=f"{redraw.part}-{RAW}")
    strengths = job.over_frames("face_schedule", rows) or job.face_strength
    start = Start(frames=pictures, strength=strengths, mask=face.redrawn)
    start = leaning(start, len(rows), raw.held(span)) or start
    shot = Shot.of_face(job, redraw.role.person.name, rows, start)
    drawn = making.session.render(shot, Within("face", making.watch))
    if len(strip.spans) > 1:
        strip.work.keep(raw.name(span), drawn[span.new])
    return drawn


def _patched(redraw: Redraw, strips: list[Strip]) -> Film:
    """The film with the finished pictures blended in as its frames are asked for."""
    film, place = redraw.film, redraw.place

    def source(start: int, stop: int) -> Iterator[Frames]:
        at = start
        for strip in strips:
            rows = range(max(at, strip.spans[0].start), min(stop, strip.spans[-1].stop))
            if not rows:
                continue
            yield from film.frames(at, rows.start)
            frames = film.frames(rows.start, rows.stop)
            yield from put_back(frames, strip.frames(rows.start, rows.stop), place, rows)
            at = rows.stop
        yield from film.frames(at, stop)

    return replace(film, source=source)
