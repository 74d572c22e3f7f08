"""`python -m pktmask`."""

from pktmask.command import script

if __name__ == "__main__":
    script()
