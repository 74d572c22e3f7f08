"""Capture files: pcap and pcapng, plain or compressed, read in windows and written whole.

Belongs here: containers and their bytes.  Must not be known here: what a packet holds.
"""
