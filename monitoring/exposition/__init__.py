"""What the service tells Prometheus, made of stored state: any web process answers for all."""
