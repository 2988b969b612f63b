"""A volunteer's kit: the flashable image, flashing over a cable, set-up over the same cable."""
