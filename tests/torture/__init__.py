"""Kill everything while nodes send, then compare what was born with what is stored, row by row."""
