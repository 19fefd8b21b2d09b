"""Commands that run subnets and studies, follow them and read their results."""
