"""What watches: heartbeats, the monitor loop, and the live feed to open pages."""
