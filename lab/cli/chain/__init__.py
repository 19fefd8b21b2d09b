"""Commands of the local chain, one file a group. Each one that changes something signs a call and lets a block pass."""
