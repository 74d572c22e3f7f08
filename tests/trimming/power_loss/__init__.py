"""Power is lost in the middle of any write: what was recorded is replayed to a model of a disk."""
