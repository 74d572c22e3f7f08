"""The offline A/B test: both strategies over a set of captures, judged with intervals.

``captures`` chooses, ``running`` lets each strategy trim each capture in a process of its own
(``child``), ``judging`` says how a capture ended, ``summary`` counts with ``statistics``,
``result`` is the whole as plain values, ``shown``, ``pictures`` and ``report`` show it.
Nothing here needs a database.
"""
