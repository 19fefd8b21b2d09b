"""The page of the miners study."""
