"""The guided demo: a rehearsal that plays itself, and a page that says what is happening."""
