"""The node's application: sensors in, MQTT messages out."""
