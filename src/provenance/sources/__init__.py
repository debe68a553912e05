"""The official list of news source units (互联网新闻信息稿源单位名单), as the user supplies it.

No copy is shipped: the list changes, and a stale one would call listed units unlisted. It is read from a table, kept in
the user's data folder with the digest of the file it came from, and asked with names as people write them.
"""

from provenance.sources.importing import Imported, import_list
from provenance.sources.registry import SourceList, SourceUnit, data_folder

__all__ = ["Imported", "SourceList", "SourceUnit", "data_folder", "import_list"]
