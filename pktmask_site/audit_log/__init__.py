"""The audit log for people: its page, exports of it, and its verification by the clock."""
