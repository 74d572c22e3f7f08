"""The legacy strategy: exact parsing on Scapy.  Slow, thorough, easy to audit."""
