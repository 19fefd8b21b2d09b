"""How a subnet's epoch is arranged: several mechanisms side by side, and weights hidden for a time."""
