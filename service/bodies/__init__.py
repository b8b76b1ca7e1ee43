"""Reading and compressing bodies."""
