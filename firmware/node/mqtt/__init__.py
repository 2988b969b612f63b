"""MQTT 3.1.1 for the node: codec.py is bytes in, events out; client.py the connection (MicroPython only)."""
