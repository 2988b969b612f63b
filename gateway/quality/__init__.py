"""What a measured value is worth: indices, corrections and means. Pure functions, no I/O: docs/quality.md."""
