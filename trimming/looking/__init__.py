"""Looking into a capture: its messages with their headers, and a packet before and after.

A process of its own reads the files anew for each look (ADR 26); nothing that it finds is kept.
``heads`` and ``reading`` are what that process does, ``child`` is the process, ``asking`` starts
it, and ``shown`` makes rows of what it answers.
"""
