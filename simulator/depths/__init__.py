"""`dustline sim fleet`: the nodes of a scenario at one of three depths.

cli  plan  output              the command, its scenario, what it writes and shows
light                          virtual nodes: messages without any firmware
days  board  troubles          real firmware in simulated time
firmware  board  troubles      real firmware, real sockets, real time
"""
