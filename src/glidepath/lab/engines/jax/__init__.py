"""The fast engine for the small tasks: the loop of a run compiled by XLA (`jit` of one loop), one run at a time a process.

On a processor nearly all the time of a small training goes into Python and the dispatch of operations, not into
arithmetic. A compiled loop pays neither. What is trained, in which order and how it is measured are those of
`glidepath.lab.engines.training`; float32 sums are taken in another order, so results agree to a bound that the tests state.
"""
