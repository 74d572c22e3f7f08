"""Reports of days, weeks and months: made by the clock, kept, shown, mailed, downloaded."""
