"""The quarantine: what came and could not be taken as a reading, and the ways to get it out again.

cli -> fix (a corrected message beside the original) and replay (through the pipeline's stages), both carried
out by whoever has the journal open: a running gateway, asked by `requests`, or else the command itself.
"""
