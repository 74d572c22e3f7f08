"""Several machines of one service, on this one, and what happens when any of it fails."""
