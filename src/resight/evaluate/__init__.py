"""Measure how well methods identify, on a protocol of known animals."""
