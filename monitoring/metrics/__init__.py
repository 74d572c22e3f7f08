"""What is measured: the registry, its sources, the sampler, rollups and what pages ask of them.

One way for the data: sources -> MetricSample (every few seconds) -> MetricRollup (minutes, hours,
days) -> series.  A metric that is registered appears in all of them without another change.
"""
