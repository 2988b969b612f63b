"""`dustline node`: versions of the firmware for boards: bundles, their keys and signatures."""
