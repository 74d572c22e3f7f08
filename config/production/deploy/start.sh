#!/bin/sh
# Starts the service in a container.  Kernels that came with the image are copied to where more may be added:
# Numba takes no folder that it cannot write to.
set -eu
umask 077
mkdir -p "$HOME" "$TMPDIR" "$NUMBA_CACHE_DIR"
cp -R -n /opt/kernels/. "$NUMBA_CACHE_DIR/"
exec python manage.py up
