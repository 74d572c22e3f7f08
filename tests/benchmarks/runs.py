"""Runs as the claims need them, without running anything."""

from benchmarks.results import Run


def run(
    series: str = "large",
    variant: str = "scanning",
    amount: int = 1_000_000,
    wall_seconds: float = 1.0,
    *,
    round_number: int = 0,
    cpu_seconds: float = 1.0,
    peak_rss_bytes: int = 100 * 2**20,
    dataset: str = "web",
    exit_code: int = 0,
    correct: bool | None = True,
    first_difference_offset: int | None = None,
) -> Run:
    return Run(
        series=series,
        round_number=round_number,
        variant=variant,
        dataset=dataset,
        amount=amount,
        command="{python} manage.py trim {input} {output}",
        input_bytes=amount,
        exit_code=exit_code,
        correct=correct,
        first_difference_offset=first_difference_offset,
        wall_seconds=wall_seconds,
        cpu_seconds=cpu_seconds,
        peak_rss_bytes=peak_rss_bytes,
        report={},
    )
