"""Labels as standard metadata fields, and back: pure codecs that read and return bytes and values, never files."""
