"""What the ESP32's Wi-Fi status codes mean."""

WORDS = {
    1000: "idle",
    1001: "joining",
    1010: "up",
    2: "the access point ended it: wrong password, or the signal is weak",
    15: "no handshake: wrong password, or the signal is weak",
    200: "signal lost",
    201: "network not found",
    202: "wrong password, or the signal is weak",
    203: "refused by the access point",
    204: "no handshake: wrong password, or the signal is weak",
    205: "the connection failed, the signal is weak",
    210: "network not found with a security that this node knows",
    211: "network not found: its security is weaker than this node takes",
    212: "network too weak",
}


def of_status(code):
    """A code of WLAN.status() in words."""
    return WORDS.get(code, f"status code {code}")
