"""The checks beside the pipeline: a follower of the journal with a cursor of its own.

`store` reads samples and writes judgements, `follower` is the thread, `settle` judges anew what came late,
`offline` judges a span of all of it, `deliver` carries judgements to a destination, `reader` answers the
page. An ack never waits for a judgement.
"""
