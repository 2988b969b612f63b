"""The `dustline` command line and the demo: what ties gateway, simulator and firmware together."""
