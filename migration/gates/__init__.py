"""What rules go by and what they say: pure, no database, no clock."""
