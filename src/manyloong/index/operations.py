"""What an operator watches: metrics in Prometheus' format, and log lines that are JSON."""

import json
import logging
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

logger = logging.getLogger("manyloong.index")
METRICS_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The metrics of one index process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.hits = Counter(
            "manyloong_page_hits", "Project pages answered from memory", registry=self.registry
        )
        self.simple = Counter(
            "manyloong_simple_other", "Other answers below /simple/", ["status"], registry=self.registry
        )
        self.requests = Counter(
            "manyloong_requests", "Requests outside /simple/", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "manyloong_request_seconds", "Time to answer them", ["route"], registry=self.registry
        )
        self.uploads = Counter("manyloong_uploads", "Uploads by outcome", ["outcome"], registry=self.registry)
        self.upstream = Gauge(
            "manyloong_upstream_answers",
            "Answers of upstream by outcome",
            ["outcome"],
            registry=self.registry,
        )
        self.shelf = Gauge("manyloong_shelf", "What the index holds", ["what"], registry=self.registry)

    def exposition(self) -> bytes:
        """All of them as text."""
        return generate_latest(self.registry)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and whatever was passed as ``extra={'data': ...}``."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "at": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        data = getattr(record, "data", None)
        if isinstance(data, dict):
            line |= data
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def log_to_stderr(level: str) -> None:
    """Send this package's and the server's log lines to stderr as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name in ("manyloong", "uvicorn", "uvicorn.error"):
        log = logging.getLogger(name)
        log.handlers = [handler] if name != "uvicorn.error" else []
        log.propagate = name == "uvicorn.error"
        log.setLevel(level.upper())
