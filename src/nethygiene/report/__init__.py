"""Reports: they read results alone, and do not depend on pytest."""
