"""What keeps a gateway running for a year: health, metrics, systemd, reload, the watch over its threads."""
