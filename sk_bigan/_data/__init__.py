"""The rows of X: read, laid out, scaled, and given to the networks batch by batch."""
