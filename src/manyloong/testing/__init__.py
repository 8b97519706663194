"""Fakes and makers for tests, written by hand; nothing else imports them."""

from manyloong.testing.runner import FakeRunner

__all__ = ["FakeRunner"]
