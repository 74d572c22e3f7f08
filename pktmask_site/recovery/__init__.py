"""Recovery: backups, restores and their drills, upkeep, and archives for support."""
