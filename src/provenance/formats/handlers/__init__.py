"""One container a file; handlers do not import each other."""
