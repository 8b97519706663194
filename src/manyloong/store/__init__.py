"""Content-addressed cache, fetching with hashes and mirrors, strict archives, deterministic trees."""

from manyloong.store.digest import fetch_by_digest
from manyloong.store.fetch import HttpFetcher
from manyloong.store.files import keep_directory, save_folder, save_log, write_whole
from manyloong.store.guard import Damage
from manyloong.store.objects import Store
from manyloong.store.remote import Fetcher, RemoteFile
from manyloong.store.seal import seal_holds, seal_of, seal_text
from manyloong.store.shelf import RecordingFetcher, ShelfFetcher, check_shelf, fill_shelf
from manyloong.store.usage import StoreInfo, TreeInfo

__all__ = [
    "Damage",
    "Fetcher",
    "HttpFetcher",
    "RecordingFetcher",
    "RemoteFile",
    "ShelfFetcher",
    "Store",
    "StoreInfo",
    "TreeInfo",
    "check_shelf",
    "fetch_by_digest",
    "fill_shelf",
    "keep_directory",
    "save_folder",
    "save_log",
    "seal_holds",
    "seal_of",
    "seal_text",
    "write_whole",
]
