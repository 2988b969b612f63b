"""The gateway: MQTT readings in, validated and journalled, acknowledged, delivered to destinations."""
