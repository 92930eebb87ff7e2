"""Device cards: what is known of each device, and where its measurements are. A new device is one TOML file."""

from hwnas.devices.card import NOT_STATED, Adapted, Card, Column, Device, Fact, Measurement, Statement, Variant
from hwnas.devices.card_file import read_card, write_card
from hwnas.devices.registry import get_device, load_devices, user_cards

__all__ = [
    "NOT_STATED",
    "Adapted",
    "Card",
    "Column",
    "Device",
    "Fact",
    "Measurement",
    "Statement",
    "Variant",
    "get_device",
    "load_devices",
    "read_card",
    "user_cards",
    "write_card",
]
