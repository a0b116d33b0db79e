"""Matching over HTTP, with the extra ``service``."""
