"""The live feed: what changes is told to the pages that show it, within a second.

A change sends a signal (in whatever process), a receiver publishes an item, the web process fans
it out to groups of the channel layer, and each connection sends what its page subscribed to.
"""
