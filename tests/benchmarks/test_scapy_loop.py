from pathlib import Path

from scapy.layers.inet import TCP
from scapy.utils import rdpcap

from benchmarks.datasets import write_single_packet
from benchmarks.scapy_loop import rewrite


def test_the_loop_zeroes_payloads_of_the_same_length(tmp_path: Path) -> None:
    write_single_packet(tmp_path / "capture", tmp_path / "expected", 20, seed=1)
    assert rewrite(str(tmp_path / "capture"), str(tmp_path / "output")) == 20
    before, after = rdpcap(str(tmp_path / "capture")), rdpcap(str(tmp_path / "output"))
    assert [bytes(packet[TCP].payload) for packet in after] == [
        bytes(len(packet[TCP].payload)) for packet in before
    ]
    assert [packet.time for packet in after] == [packet.time for packet in before]
