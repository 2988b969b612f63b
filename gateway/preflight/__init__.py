"""`dustline gateway check`: what would lose data or stall, and the line to change."""
