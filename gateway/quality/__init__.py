"""What a measured value is worth: indices, corrections and means (docs/quality.md), checks
(docs/quality-checks.md). Pure, without I/O, but for `follow`, which runs the checks beside the pipeline.
"""
