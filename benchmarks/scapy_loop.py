"""A peer: the loop that everybody writes first, one packet at a time in Scapy.

Usage: python -m benchmarks.scapy_loop IN.pcap OUT.pcap

It zeroes every TCP payload whole and lets Scapy compute the checksums. It follows no stream and
knows no HTTP, so it does less than a strategy and its output is not the expected one.
"""

import sys

from scapy.layers.inet import IP, TCP
from scapy.packet import Raw
from scapy.utils import PcapReader, PcapWriter


def rewrite(capture: str, output: str) -> int:
    """Copy the capture with its TCP payloads zeroed and return the number of packets."""
    packets = 0
    with PcapReader(capture) as reader, PcapWriter(output) as writer:
        for packet in reader:
            packets += 1
            if TCP in packet and Raw in packet:
                packet[Raw].load = bytes(len(packet[Raw].load))
                del packet[TCP].chksum, packet[IP].chksum
            writer.write(packet)
    return packets


if __name__ == "__main__":
    rewrite(*sys.argv[1:3])
