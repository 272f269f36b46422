"""What the contract pages assume of a service, asked of the service itself: ``provisor doctor --probe``."""
