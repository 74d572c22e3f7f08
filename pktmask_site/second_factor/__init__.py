"""A second factor of signing in: codes of an app, and recovery codes on paper, by django-otp."""
