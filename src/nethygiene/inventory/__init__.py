"""The inventory: which hosts there are, how to reach them, and what they should be like."""
