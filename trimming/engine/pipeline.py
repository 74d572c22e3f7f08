"""One run from input to output: read, decide, write, verify, publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from trimming.engine.ahead import one_ahead
from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.errors import OptionsError, VerificationError
from trimming.engine.formats.capture import CaptureFile, no_whole_packet
from trimming.engine.kernel import interpret
from trimming.engine.options import TrimOptions
from trimming.engine.output import AtomicOutput, output_error
from trimming.engine.plan import MaskPlan
from trimming.engine.report import (
    HTTP2,
    NOT_CLASSED,
    NOT_HTTP,
    RESET_TEXT,
    Report,
    Tally,
    Verification,
)
from trimming.engine.strategies.registry import Strategy
from trimming.engine.verification import verify
from trimming.engine.words import gettext_noop, side_by_side
from trimming.engine.writer import masked_records

WINDOWED_FROM_BYTES = 1 << 18
Stage = Literal["read", "write", "verify"]
# called with the stage, the bytes of the file done, and all bytes of the file; may raise to stop
Progress = Callable[[Stage, int, int], None]


def trim(
    source: Path,
    target: Path,
    load_strategy: Callable[[], Strategy],
    options: TrimOptions,
    *,
    clock: Callable[[], float],
    peak_rss_bytes: Callable[[], int],
    verified: bool = True,
    interpret_below_bytes: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Trim the capture ``source`` into ``target``, which appears only when all went well.

    ``load_strategy`` is called once the input is known to be a capture: strategies are costly to
    import.  A process that ends with this capture may set ``interpret_below_bytes``: for a smaller
    one kernels are not compiled (kernel.interpret).  ``clock`` returns seconds; it is read before
    reading and after writing.

    Raises InputError, OutputError, OptionsError, VerificationError, and whatever ``progress``
    raises.
    """
    if _is_same_file(source, target):
        itself = gettext_noop("%(path)s: the output must not be the input itself")
        raise OptionsError(itself % {"path": target})
    tally = Tally()
    with (
        CaptureFile(source, options.limits) as capture,
        AtomicOutput(target) as output,
        MaskPlan(options, str(target.parent)) as plan,
    ):
        size_bytes = capture.unpacked_size()
        if size_bytes < interpret_below_bytes:
            interpret()
        strategy = load_strategy()
        started = clock()
        try:
            strategy.plan(capture, plan, tally, _stage(progress, "read", capture))
            told = _stage(progress, "write", capture)
            is_small = size_bytes < WINDOWED_FROM_BYTES
            write = _record_by_record if is_small else _window_by_window
            output_bytes = output.write(write(capture, plan, tally, told))
        except OSError as error:
            raise output_error(target, error) from None
        _tell_tail(capture, tally)
        duration_ms = (clock() - started) * 1000
        _count_left(options, tally)
        verification: Verification | None = None
        if verified:
            with CaptureFile(output.partial, options.limits) as written:
                verification = verify(capture, written, plan, _stage(progress, "verify", capture))
            if not verification.passed:
                raise VerificationError(_findings(source, verification))
        output.commit()
    return Report(
        strategy=strategy.name,
        strategy_version=strategy.version,
        profile=options.name,
        tally=tally,
        input_bytes=capture.size_bytes,
        output_bytes=output_bytes,
        duration_ms=duration_ms,
        peak_rss_bytes=peak_rss_bytes(),
        verification=verification,
    )


Told = Callable[[int], None] | None


def _record_by_record(
    capture: CaptureFile, plan: MaskPlan, tally: Tally, told: Told
) -> Iterator[bytes]:
    return masked_records(capture.records(told), plan, tally)


def _window_by_window(
    capture: CaptureFile, plan: MaskPlan, tally: Tally, told: Told
) -> Iterator[bytes | memoryview]:
    # kernels take longer to load than a small capture takes without them
    from trimming.engine.window_writer import masked_windows

    done = 0

    def note(position: int) -> None:
        nonlocal done
        done = position

    # while one window is written the next one is read and masked
    for pieces in one_ahead(masked_windows(capture.batches(note, ahead=False), plan, tally)):
        yield from pieces
        if told is not None:
            told(done)
    if told is not None:
        told(done)  # the last window was noted behind it


def _is_same_file(source: Path, target: Path) -> bool:
    try:
        return source.samefile(target)
    except OSError:
        return False


def _stage(
    progress: Progress | None, stage: Stage, capture: CaptureFile
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(stage, done, capture.size_bytes)


def _tell_tail(capture: CaptureFile, tally: Tally) -> None:
    tail = capture.tail
    if tail is None:
        return
    if not tally.packets:
        raise no_whole_packet(capture.path, tail)
    tally.left_out_bytes = tail.length
    left_out = gettext_noop("%(reason)s; the last %(length)d bytes were left out")
    values = {"reason": tail.reason, "length": tail.length}
    tally.warn(left_out % values, 0, tail.offset)


def _count_left(options: TrimOptions, tally: Tally) -> None:
    """Count kept payload that was not understood; what has a name of its own counts once."""
    if fill_for(ByteClass.OTHER, options) is None:
        named = sum(tally.left_bytes[name] for name in (HTTP2, RESET_TEXT))
        tally.left_bytes[NOT_HTTP] += tally.bytes_by_class[ByteClass.OTHER] - named
        tally.left_bytes += Counter()  # drops what is zero
    if fill_for(ByteClass.UNCERTAIN, options) is None:
        uncertain = tally.bytes_by_class[ByteClass.UNCERTAIN]
        tally.left_bytes[NOT_CLASSED] += uncertain


def _findings(source: Path, verification: Verification) -> str:
    shown = [str(finding) for finding in verification.findings[:3]]
    more = len(verification.findings) - 3 + verification.findings_left_out
    if more > 0:
        shown.append(gettext_noop("and %(n)d more") % {"n": more})
    removed = gettext_noop(
        "%(source)s: the output failed its verification and was removed: %(findings)s"
    )
    return removed % {"source": source, "findings": side_by_side(shown)}
