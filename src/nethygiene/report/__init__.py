"""Reports: they read results, never facts, and know nothing of pytest."""
