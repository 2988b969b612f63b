"""A volunteer's kit: the flashable image, flashing over a cable, and setting a node up over the same cable."""
