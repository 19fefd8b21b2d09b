"""What a block pays: emission with halvings, the subnets' shares of it, and its split inside each subnet."""
