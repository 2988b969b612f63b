"""What a reading costs the gateway with few nodes and many, with an empty journal and one of 10 million."""
