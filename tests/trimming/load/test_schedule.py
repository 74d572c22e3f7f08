"""When what is sent."""

from __future__ import annotations

from collections import Counter

import pytest

from trimming.load.captures import Size
from trimming.load.schedule import read_mix, schedule


def test_uploads_lie_at_equal_distances_and_follow_the_mix() -> None:
    table = list(schedule(4.0, 1000, read_mix("small=80, broken=20"), seed=3))
    assert [due.at_seconds for due in table[:3]] == [0, 0.25, 0.5]
    assert table == list(schedule(4.0, 1000, read_mix("small=80,broken=20"), seed=3))
    counts = Counter(due.size for due in table)
    assert 750 < counts[Size.SMALL] < 850
    assert counts[Size.SMALL] + counts[Size.BROKEN] == 1000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("huge=1", "no size 'huge'"),
        ("small=many", "is a number"),
        ("small", "is a number"),
        ("small=-1", "from 0 on"),
        ("small=nan", "from 0 on"),
        ("small=0,large=0", "above 0"),
    ],
)
def test_a_mix_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_mix(text)
