"""The writer's machine code."""
