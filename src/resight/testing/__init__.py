"""For tests, ours and yours: fakes, conformance cases and synthetic animals."""
