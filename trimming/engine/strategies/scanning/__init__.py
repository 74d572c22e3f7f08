"""The scanning strategy: so far the layers that its kernels will not know."""
