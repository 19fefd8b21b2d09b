"""One epoch of Yuma consensus, compiled, and the state that it reads."""
