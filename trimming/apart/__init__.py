"""Work that reads hostile bytes: each piece in a process of its own, without network.

``process`` forks it and listens to it, ``confinement`` says what the system forbids it, ``words``
are what it may say.
"""
