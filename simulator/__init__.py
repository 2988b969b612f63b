"""What stands in for the world: sensors, chip, Wi-Fi, air. Imports neither firmware nor gateway."""
