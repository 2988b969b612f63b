"""The web page: nodes on a map, the last hours of each, live. Read-only and without a login."""
