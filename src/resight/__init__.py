"""resight: which known individual animal is in a photo, or that it is a new one."""

__version__ = "0.1.0"
