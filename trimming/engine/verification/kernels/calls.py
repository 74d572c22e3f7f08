"""What the roster around this folder asks of the columns: one kernel with many tasks.

One, because each kernel that is called from outside is compiled by itself.
"""

from __future__ import annotations

from trimming.engine.kernel import inner, kernel
from trimming.engine.verification.kernels.connections import finish_all
from trimming.engine.verification.kernels.history import add_run
from trimming.engine.verification.kernels.state import M_KEY, NONE, Bytes, State
from trimming.engine.verification.kernels.store import (
    free_all_held,
    free_runs,
    keep_last,
    live_bytes,
    pack,
    room_for,
    take,
)
from trimming.engine.verification.kernels.table import (
    close,
    find,
    forget_key,
    insert,
    is_forgotten,
    rebuild,
    remove,
    touch,
)

(
    FIND,  # the row of the key in the registers
    FIND_TO_USE,  # the same; if it is open, it becomes the youngest
    INSERT,
    CLOSE,
    REMOVE,
    FORGET,  # the key in the registers
    IS_FORGOTTEN,
    FINISH_ALL,
    REBUILD,
    GIVE_BACK,  # what a row holds of lists
    KEEP_LAST,  # ``text`` for side ``a``
    TAKE_CARRY,  # a carry of ``a`` bytes, twice
    ADD_FIRST_RUN,  # for side ``a``: from position ``b`` on, ``d`` bytes
    ADD_RUN,
    LIVE_BYTES,
    PACK,  # into ``text``
) = range(16)


@kernel
def call(s: State, task: int, a: int, b: int, d: int, text: Bytes) -> int:
    """Do a task; return its number, if it has one."""
    if task in (FIND, FIND_TO_USE):
        row = find(s)
        if task == FIND_TO_USE and row != NONE:
            touch(s, row)
        return row
    if task == INSERT:
        return insert(s)
    if task == CLOSE:
        close(s, a)
    elif task == REMOVE:
        remove(s, a)
    elif task == FORGET:
        forget_key(s, s.m, M_KEY)
    elif task == IS_FORGOTTEN:
        return int(is_forgotten(s))
    elif task == FINISH_ALL:
        return finish_all(s)
    else:
        return _store(s, task, a, b, d, text)
    return 0


@inner
def _store(s: State, task: int, a: int, b: int, d: int, text: Bytes) -> int:
    if task == REBUILD:
        rebuild(s)
    elif task == GIVE_BACK:
        free_all_held(s, a)
        free_runs(s, 2 * a)
        free_runs(s, 2 * a + 1)
    elif task == KEEP_LAST:
        keep_last(s, a, text, 0, len(text))
    elif task == TAKE_CARRY:
        return take(s, 2 * room_for(a))
    elif task == ADD_FIRST_RUN:
        add_run(s, a, b, d, True)
    elif task == ADD_RUN:
        add_run(s, a, b, d, False)
    elif task == LIVE_BYTES:
        return live_bytes(s)
    elif task == PACK:
        pack(s, text)
    return 0
