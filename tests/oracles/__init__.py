"""The real frameworks as oracles: their automatic differentiation must agree with every claim of the rules."""
