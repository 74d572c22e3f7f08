"""The documentation in the console, and the "?" of each page that opens its section."""
