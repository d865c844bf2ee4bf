"""Pure functions from exchanges to judgements. Must not send, read a clock, or know pytest."""
