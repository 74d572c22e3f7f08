"""Reports: periods, what is in them, how they are made, shown and mailed."""
