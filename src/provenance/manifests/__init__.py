"""C2PA manifests: signing files and reading what a manifest says.

The only package that imports the C2PA binding, and only while a function runs. Functions take and return plain values
(paths, bytes, text, mappings, frozen dataclasses), so that a worker process can run them.

A file whose assertion label starts its last part with a multi-byte character aborts the whole process inside the
native library; nothing in this process can catch that. Untrusted files therefore belong in a worker.

Source: C2PA Technical Specification 2.2.
"""
