"""One training: the adversarial step, the loop around it, recovery, checkpoints and observers."""
