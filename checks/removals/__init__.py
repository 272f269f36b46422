"""``make prove-removals``: list answers are made false, and nothing may be taken away for it that somebody should have."""
