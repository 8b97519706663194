"""Facts of a wheel, and a verdict on them against a target."""
