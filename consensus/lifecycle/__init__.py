"""How neurons and subnets enter, leave and change hands."""
