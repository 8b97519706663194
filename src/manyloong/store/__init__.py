"""Content-addressed cache, fetching with hashes and mirrors, strict archives, deterministic trees."""

from manyloong.store.digest import fetch_by_digest
from manyloong.store.fetch import HttpFetcher
from manyloong.store.files import keep_directory, save_log, write_whole
from manyloong.store.objects import Store
from manyloong.store.remote import Fetcher, RemoteFile
from manyloong.store.usage import StoreInfo, TreeInfo

__all__ = [
    "Fetcher",
    "HttpFetcher",
    "RemoteFile",
    "Store",
    "StoreInfo",
    "TreeInfo",
    "fetch_by_digest",
    "keep_directory",
    "save_log",
    "write_whole",
]
