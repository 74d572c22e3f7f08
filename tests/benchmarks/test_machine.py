from pathlib import Path

from benchmarks.machine import describe_machine, describe_versions


def test_the_machine_is_described_without_its_name(tmp_path: Path) -> None:
    machine = describe_machine(tmp_path)
    assert set(machine) == {
        "cores",
        "cpu_model",
        "memory_bytes",
        "filesystem",
        "python",
        "kernel",
        "load_before",
    }
    assert not any("/" in str(machine[key]) for key in ("filesystem", "python", "kernel"))


def test_programs_are_named_with_their_versions() -> None:
    versions = describe_versions(["cp"])
    assert versions["cp"][0].isdigit()
    assert {"numpy", "numba", "scapy"} < set(versions)
