"""Content-addressed objects, fetching with hashes and mirrors, deterministic trees and archives."""
