"""Who measures what.  Each module registers its metrics when the app starts."""
