"""Attach, check and verify content labels; see README.md."""
