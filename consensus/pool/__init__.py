"""The pool in which a subnet's alpha is traded for TAO."""
