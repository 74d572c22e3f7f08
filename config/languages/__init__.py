"""What was stored in English, shown in the language of whoever reads it (ADR 28)."""
