"""The node's application: sensors in, MQTT messages out."""

VERSION = "0.1.0"
