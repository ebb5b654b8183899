"""A small Git LFS server on 127.0.0.1: the batch API, and downloads that can be resumed or stalled."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class LfsServer:
    """Serves the objects of the store at `store`; `stall_at` bytes into a download it waits for `go_on`.

    `asked` collects the Range headers of downloads ("" for a complete one); `status` is the answer to the batch API.
    `activity_timeout` is how many seconds git-lfs waits for data.
    """

    store: Path
    stall_at: int | None = None
    status: int = 200
    message: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    sent: int = 0
    activity_timeout: int = 30

    def __post_init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked = json.loads(self.rfile.read(length))
                if server.status != 200:
                    self._answer(server.status, {"message": server.message})
                    return
                objects = [
                    {**thing, "actions": {"download": {"href": f"{server.url}/{thing['oid']}"}}}
                    for thing in asked["objects"]
                ]
                self._answer(200, {"transfer": "basic", "objects": objects})

            def do_GET(self) -> None:
                oid = self.path.lstrip("/")
                content = (server.store / oid[:2] / oid[2:4] / oid).read_bytes()
                wanted = self.headers.get("Range", "")
                server.asked.append(wanted)
                first = int(wanted.removeprefix("bytes=").partition("-")[0] or 0) if wanted else 0
                self.send_response(206 if wanted else 200)
                if wanted:
                    self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - first))
                self.end_headers()
                self._send(content[first:])

            def _send(self, content: bytes) -> None:
                cut = len(content) if server.stall_at is None else server.stall_at
                for part in (content[:cut], content[cut:]):
                    self.wfile.write(part)
                    self.wfile.flush()
                    server.sent += len(part)
                    if part is not content and server.stall_at is not None:
                        server.go_on.wait(60)

            def _answer(self, status: int, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.git-lfs+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the tests' output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """Variables with which git-lfs uses this server."""
        settings = {"lfs.url": self.url, "lfs.activitytimeout": str(self.activity_timeout)}
        variables = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return variables

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
