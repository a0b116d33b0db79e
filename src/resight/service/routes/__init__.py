"""The REST service, a file for each kind of thing. Each route parses, calls one method, answers."""
