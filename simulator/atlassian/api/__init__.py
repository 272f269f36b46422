"""The HTTP face of the simulated administration: paths, cursors and error bodies as the service has them."""
